"""What every method stands on; the only place that knows Keras internals."""
