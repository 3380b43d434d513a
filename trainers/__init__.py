"""Command lines: `python -m trainers.<method>`; absl flags live here alone."""
