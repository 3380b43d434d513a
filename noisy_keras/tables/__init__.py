"""Tables with a row per training sample, as weights of a model."""
