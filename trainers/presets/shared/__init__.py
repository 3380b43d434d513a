"""What the presets of several methods share."""
