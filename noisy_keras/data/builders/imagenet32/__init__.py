"""ImageNet32 for TFDS."""
