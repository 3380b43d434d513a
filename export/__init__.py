"""Exporting from a run: `python -m export --labels --run=RUN`."""
