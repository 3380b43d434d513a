"""Clothing1M for TFDS."""
