"""ImageNet64 for TFDS."""
