"""Data sets by name."""

import difflib

from noisy_keras.data import cifar
from noisy_keras.data import digits

_LOADERS = {
    "cifar10": lambda split, data_dir: cifar.load("cifar10", split, data_dir),
    "cifar100": lambda split, data_dir: cifar.load("cifar100", split, data_dir),
    "digits": lambda split, data_dir: digits.load(split),
}

NAMES = tuple(sorted(_LOADERS))
SPLITS = ("train", "fit", "validation", "test")


def load(
    name,
    split="train",
    *,
    noise=None,
    data_dir=None,
    max_samples=None,
    image_size=None,
):
    """Loads a data set by name.

    Args:
        name: one of `noisy_keras.data.NAMES`.
        split: `"train"`: every training sample; `"fit"`: those that are not
            set aside for validation; `"validation"`; `"test"`.
        noise: a generator of `noisy_keras.data`, applied to the labels of a
            training split; the clean ones become `true_labels`.
        data_dir: folder of prepared TFDS data; None is TFDS' default.
        max_samples: keeps the first so many samples, in the order of their
            ids, before noise is applied.
        image_size: side in pixels to bring the images to; None leaves them.

    Returns:
        A `Source`.

    Raises:
        ValueError: an unknown name or split, noise on validation or test, or
            `max_samples` below 1.

    Example:
        >>> noise = nk.data.SymmetricNoise(0.4, seed=0)
        >>> source = nk.data.load("digits", noise=noise)
        >>> round(source.noise["realized_rate"], 2)
        0.36
    """
    if name not in _LOADERS:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"Expected a data set, one of {', '.join(NAMES)}. "
            f"Received: {name!r}.{hint}"
        )
    if split not in SPLITS:
        raise ValueError(
            f"Expected a split, one of {SPLITS}. Received: {split!r}"
        )
    if noise is not None and split in ("validation", "test"):
        raise ValueError(
            "Expected noise on training labels only. "
            f"Received: noise for split={split!r}"
        )
    if max_samples is not None and max_samples < 1:
        raise ValueError(
            f"Expected at least one sample. Received: max_samples={max_samples}"
        )
    source = _LOADERS[name](split, data_dir)
    if image_size is not None:
        source = source.resized(image_size)
    if max_samples is not None and max_samples < source.num_samples:
        source = source.subset(range(max_samples))
    return source.with_noise(noise)
