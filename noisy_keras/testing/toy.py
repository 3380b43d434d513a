"""A toy problem: small, easy images, some of them with wrong labels."""

import numpy as np

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.noise import SymmetricNoise
from noisy_keras.data.sources.array_source import from_arrays
from noisy_keras.networks import build

#: Number of classes K.
CLASSES = 4

# A mirrored image, or one that is shifted far, belongs to another class.
_AUGMENTATION = Augmentation(crop_padding=1, horizontal_flip=False)


def pictures(count, seed=0, size=16):
    """Noisy images with one bright quarter, which is the class.

    Args:
        count: int, number of images N.
        seed: int, seed of the noise.
        size: int, height and width of the images.

    Returns:
        uint8 `[N, size, size, 3]`, the images, and int `[N]`, their classes,
        which alternate.
    """
    random = np.random.RandomState(seed)
    labels = np.arange(count) % CLASSES
    images = random.randint(0, 90, (count, size, size, 3))
    half = size // 2
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(label, 2)
        image[
            row * half : (row + 1) * half, column * half : (column + 1) * half
        ] += 120
    return images.astype(np.uint8), labels


def source(count=64, rate=0.25, seed=0, size=16):
    """A source with wrong labels, whose true labels are known.

    Args:
        count: int, number of samples N.
        rate: float in [0, 1), share of wrong labels.
        seed: int, seed of images and labels.
        size: int, height and width of the images.

    Returns:
        A `Source`.

    Example:
        >>> from noisy_keras.testing import toy
        >>> noisy = toy.source(count=8, rate=0.25)
        >>> int((noisy.labels != noisy.true_labels).sum())
        2
    """
    images, labels = pictures(count, seed, size)
    clean = from_arrays(images, labels, augmentation=_AUGMENTATION)
    noise = SymmetricNoise(rate, seed, convention="exclude_true")
    return clean.with_noise(noise)


def trusted(count=16, seed=5, size=16):
    """A source of other samples, all of which have their true labels.

    Args:
        count: int, number of samples; at least `CLASSES`.
        seed: int, seed of the images.
        size: int, height and width of the images.

    Returns:
        A `Source`.
    """
    return from_arrays(*pictures(count, seed, size), augmentation=_AUGMENTATION)


def network(width=4, size=16):
    """The smallest network that learns these images.

    Args:
        width: int, number of channels of the first stage.
        size: int, height and width of the images.

    Returns:
        A `keras.Model`.
    """
    return build(
        "tiny", image_shape=(size, size, 3), num_classes=CLASSES, width=width
    )
