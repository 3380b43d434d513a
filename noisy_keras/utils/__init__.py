"""Argument checks, whole-file writes and distribution: used everywhere."""
