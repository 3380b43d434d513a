"""Published and recommended settings, by method."""
