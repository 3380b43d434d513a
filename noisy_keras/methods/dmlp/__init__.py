"""The label purifier of DMLP: `purifier` is its interface, `steps` its core."""
