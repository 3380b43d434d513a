"""Looking into a finished run: its audit and its analysis."""
