"""Pure tensor functions: no variables, no state, static shapes, XLA-ready."""
