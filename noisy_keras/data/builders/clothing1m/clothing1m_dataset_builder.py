"""The TFDS builder of Clothing1M. The README.md here describes the data set."""

from noisy_keras.data.builders import layout_builder
from noisy_keras.data.layouts import clothing1m


class Builder(layout_builder.LayoutBuilder):
    """TFDS builder of Clothing1M."""

    LAYOUT = "clothing1m"
    HOMEPAGE = "https://github.com/Cysu/noisy_label"
    MANUAL_DOWNLOAD_INSTRUCTIONS = clothing1m.MANUAL
    CLASS_NAMES = clothing1m.CLASS_NAMES
    # A copy with one list per split has no list for this split.
    OPTIONAL_SPLITS = ("clean_train",)
