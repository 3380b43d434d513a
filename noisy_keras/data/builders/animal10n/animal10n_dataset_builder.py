"""The TFDS builder of Animal-10N. The README.md here describes the data set."""

from noisy_keras.data.builders import layout_builder
from noisy_keras.data.layouts import animal10n


class Builder(layout_builder.LayoutBuilder):
    """TFDS builder of Animal-10N."""

    LAYOUT = "animal10n"
    HOMEPAGE = "https://dm.kaist.ac.kr/datasets/animal-10n/"
    MANUAL_DOWNLOAD_INSTRUCTIONS = animal10n.MANUAL
    CLASS_NAMES = animal10n.CLASS_NAMES
