"""Animal-10N for TFDS."""
