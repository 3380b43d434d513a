"""A run from settings to files: prepare, train, finish."""
