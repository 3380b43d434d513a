"""The audit and the analysis of a finished run."""
