"""DMLP's label purifier: read `purifier` first, then `steps` and `choice`."""
