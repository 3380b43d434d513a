"""TFRecord shards of a source: their index, and writing them."""
