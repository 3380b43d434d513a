"""Methods: one file is one paper is one `keras.Model`."""
