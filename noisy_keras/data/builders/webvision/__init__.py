"""WebVision for TFDS."""
