"""Small sets of easy images with noisy labels."""

import numpy as np

import noisy_keras as nk

CLASSES = 4


def pictures(count, seed=0, size=16):
    """Noisy images with one bright quarter, which is the class.

    Returns:
        Tuple of uint8 images `[count, size, size, 3]` and int labels `[count]`.
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
    """A source with symmetric noise; every noisy label is wrong."""
    images, labels = pictures(count, seed, size)
    # Mirroring or a large shift would change the class.
    weak = nk.data.Augmentation(crop_padding=1, horizontal_flip=False)
    clean = nk.data.from_arrays(images, labels, augmentation=weak)
    noise = nk.data.SymmetricNoise(rate, seed, convention="exclude_true")
    return clean.with_noise(noise)


def network(width=4, size=16):
    """The smallest network that learns these images."""
    return nk.networks.build(
        "tiny", image_shape=(size, size, 3), num_classes=CLASSES, width=width
    )
