"""Clothing1M for TFDS; see README.md beside this file."""

from noisy_keras.data.builders import layout_builder
from noisy_keras.data.layouts import clothing1m


class Builder(layout_builder.LayoutBuilder):
    """TFDS builder of Clothing1M."""

    LAYOUT = "clothing1m"
    HOMEPAGE = "https://github.com/Cysu/noisy_label"
    MANUAL_DOWNLOAD_INSTRUCTIONS = clothing1m.MANUAL
    CLASS_NAMES = clothing1m.CLASS_NAMES
    # The form with one list per split has none for it.
    OPTIONAL_SPLITS = ("clean_train",)
