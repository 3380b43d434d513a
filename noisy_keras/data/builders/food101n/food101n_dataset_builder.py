"""The TFDS builder of Food-101N. The README.md here describes the data set."""

import numpy as np
import tensorflow_datasets as tfds

from noisy_keras.data.builders import layout_builder
from noisy_keras.data.layouts import food101n


class Builder(layout_builder.LayoutBuilder):
    """TFDS builder of Food-101N."""

    LAYOUT = "food101n"
    HOMEPAGE = "https://kuanghuei.github.io/Food-101N/"
    MANUAL_DOWNLOAD_INSTRUCTIONS = food101n.MANUAL
    # The classes of Food-101, which TFDS has in a file, in the readers' order.
    CLASS_NAMES = sorted(
        tfds.core.tfds_path("image_classification/food-101_classes.txt")
        .read_text()
        .split()
    )

    def _features(self):
        return {
            **super()._features(),
            "verified": tfds.features.Scalar(np.int8),
        }

    def _more(self, listing, row):
        known = listing.verified is not None
        return {"verified": listing.verified[row] if known else -1}
