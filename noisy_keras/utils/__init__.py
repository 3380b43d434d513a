"""Argument checks, atomic file writes, distribution and types."""
