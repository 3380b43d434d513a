"""Data sets by name."""

import difflib
import functools

from noisy_keras.data import layouts
from noisy_keras.data.sources import cifar
from noisy_keras.data.sources import cifar_n
from noisy_keras.data.sources import digits
from noisy_keras.data.sources import layout_source
from noisy_keras.utils.errors import ConfigurationError

_LOADERS = {
    "cifar10": lambda split, data_dir: cifar.load("cifar10", split, data_dir),
    "cifar100": lambda split, data_dir: cifar.load("cifar100", split, data_dir),
    "digits": lambda split, data_dir: digits.load(split),
    **{name: functools.partial(cifar_n.load, name) for name in cifar_n.KINDS},
    **{
        name: functools.partial(layout_source.load, name)
        for name in layouts.BY_NAME
    },
}

NAMES = tuple(sorted(_LOADERS))
SPLITS = ("train", "fit", "validation", "test", "trusted")


_TRUSTED = tuple(k for k, v in layouts.BY_NAME.items() if v.trusted)


def load(
    name,
    split="train",
    *,
    noise=None,
    human_labels=None,
    data_dir=None,
    max_samples=None,
    image_size=None,
):
    """Loads a data set by name.

    Args:
        name: one of `noisy_keras.data.NAMES`.
        split: `"train"`: every training sample; `"fit"`: those that are not
            set aside for validation; `"validation"`; `"test"`; `"trusted"`:
            training samples whose labels people checked and found right, of
            `clothing1m` and `food101n`. Of other sets, and for a few per
            class, see `Source.split`.
        noise: a generator of `noisy_keras.data`, applied to the labels of a
            training split; the clean ones become `true_labels`.
        human_labels: which of the labels that people gave, for the training
            splits of `cifar10_n`: `"worse"` (the default), `"aggre"`,
            `"random1"`, `"random2"` or `"random3"`; of `cifar100_n`:
            `"noisy_fine"`.
        data_dir: folder of prepared TFDS data (None is TFDS' default), or of
            the original files of a set that is read from those.
        max_samples: keeps the first so many samples, in the order of their
            ids, before noise is applied.
        image_size: side in pixels to bring the images to; None leaves them.

    Returns:
        A `Source`.

    Raises:
        ValueError: an unknown name or split, noise on validation or test or
            over human labels, `human_labels` of a set that has none, or
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
        raise ConfigurationError(
            f"Expected a data set, one of {', '.join(NAMES)}. "
            f"Received: {name!r}.{hint}"
        )
    if split not in SPLITS:
        raise ConfigurationError(
            f"Expected a split, one of {SPLITS}. Received: {split!r}"
        )
    if split == "trusted" and name not in _TRUSTED:
        raise ConfigurationError(
            f"Expected a data set with labels that people checked, one of "
            f"{', '.join(_TRUSTED)}. Received: split='trusted' of {name!r}; "
            "take some of the training set: source.split(trusted=10)"
        )
    if noise is not None and split not in ("train", "fit"):
        raise ConfigurationError(
            "Expected noise on training labels only. "
            f"Received: noise for split={split!r}"
        )
    if max_samples is not None and max_samples < 1:
        raise ConfigurationError(
            f"Expected at least one sample. Received: max_samples={max_samples}"
        )
    options = {}
    if name in cifar_n.KINDS:
        options["kind"] = human_labels
        if noise is not None:
            raise ConfigurationError(
                f"Expected no noise over the human labels of {name}. Received: "
                f"{noise.name} noise; put it on {name.removesuffix('_n')}"
            )
    elif human_labels is not None:
        raise ConfigurationError(
            f"Expected `human_labels` with one of {', '.join(cifar_n.KINDS)}. "
            f"Received: human_labels={human_labels!r} with {name!r}"
        )
    source = _LOADERS[name](split, data_dir, **options)
    if image_size is not None:
        source = source.resized(image_size)
    if max_samples is not None and max_samples < source.num_samples:
        source = source.subset(range(max_samples))
    return source.with_noise(noise)
