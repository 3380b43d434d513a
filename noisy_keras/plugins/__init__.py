"""Plug-ins: they append views to a host's batch and one term to its loss."""
