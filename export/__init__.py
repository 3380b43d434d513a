"""Taking results out of a run: `python -m export --labels --run=RUN`."""
