"""What is known about each training sample, as weights of a model."""
