"""TFRecord shards of a source: writing them, and their index file."""
