"""Food-101N for TFDS."""
