"""The embedded default data set: scikit-learn's handwritten digits.

1797 grey images of 8x8 pixels, which are part of the scikit-learn package, so
that a first run needs no download. They are resized to 32x32x3, the usual
input shape of networks for small images.

Reference: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI
Machine Learning Repository, 1998 (CC BY 4.0).
"""

import numpy as np
import tensorflow as tf

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.sources.array_source import ArraySource

CLASS_NAMES = tuple("0123456789")

# Test and validation sets are fixed parts of a fixed permutation, so that all
# runs and methods are evaluated on the same images.
_SIZES = {"test": 270, "validation": 270}


def load(split: str) -> ArraySource:
    """Loads a split: 1257 images for training, 270 each for the others.

    Args:
        split: str, `"train"` or `"fit"` (which are equal, because validation
            is a separate split), `"validation"` or `"test"`.

    Returns:
        A `Source` of uint8 images `[32, 32, 3]`.
    """
    # Imported here because it takes a second and only this data set needs it.
    # Imported here: it takes a second, and only this data set needs it.
    from sklearn import datasets

    digits = datasets.load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    test, rest = np.split(order, [_SIZES["test"]])
    validation, train = np.split(rest, [_SIZES["validation"]])
    parts = {"validation": validation, "test": test}
    rows = np.sort(parts.get(split, train))
    small = digits.images[rows, ..., None] * (255.0 / 16.0)  # [n, 8, 8, 1]
    images = tf.image.resize(small, (32, 32)).numpy().round()
    images = np.repeat(images.astype(np.uint8), 3, axis=-1)
    source = ArraySource(
        images,
        digits.target[rows],
        CLASS_NAMES,
        ids=[f"digit_{row:04d}" for row in rows],
        # Mirrored digits are no digits, and digits fill their frame.
        augmentation=Augmentation(
            crop_padding=1, horizontal_flip=False, smallest_crop=0.6
        ),
        name=f"digits ({split})",
    )
    source.look_alikes = "digits"
    return source
