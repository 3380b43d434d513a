"""Which samples, and which of their labels: splits, classes, corrections."""
