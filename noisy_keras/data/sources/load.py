"""Data sets by name."""

import collections.abc
import difflib
import functools
import os
from typing import Any

from noisy_keras.data import layouts
from noisy_keras.data.sources import cifar
from noisy_keras.data.sources import cifar_n
from noisy_keras.data.sources import digits
from noisy_keras.data.sources import layout_source
from noisy_keras.data.sources.source import NoiseGenerator
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError

_LOADERS: dict[str, collections.abc.Callable[..., Source]] = {
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
    name: str,
    split: str = "train",
    *,
    noise: NoiseGenerator | None = None,
    human_labels: str | None = None,
    data_dir: str | os.PathLike | None = None,
    max_samples: int | None = None,
    image_size: int | None = None,
    max_unreadable: float | None = None,
) -> Source:
    """Loads a data set by name.

    Args:
        name: str, one of `noisy_keras.data.NAMES`.
        split: str, one of

            - `"train"`: all training samples;
            - `"fit"`: the training samples that are not used for validation;
            - `"validation"` and `"test"`;
            - `"trusted"`: training samples with verified labels, only for
              `clothing1m` and `food101n`. `Source.split` selects trusted
              samples of other data sets, or a few per class.
        noise: `LabelNoise` that is applied to the labels of a training split;
            the clean labels become `true_labels`.
        human_labels: str, kind of the human labels of the training splits.
            For `cifar10_n`: `"worse"` (the default), `"aggre"`, `"random1"`,
            `"random2"` or `"random3"`; for `cifar100_n`: `"noisy_fine"`.
        data_dir: str, TFDS' data folder (by default TFDS' own default), or
            the folder with the original files of a data set that is read
            from those.
        max_samples: int, at least 1; only the first samples are kept, in the
            order of the source, before noise is applied.
        image_size: int, side of the images in pixels. Defaults to that of the
            data set.
        max_unreadable: number of files that may be unreadable and are left out
            (int), or their share (float below 1), of data sets that are read
            from their original files. Defaults to 1 %, and at least one file.

    Returns:
        A `Source`.

    Raises:
        OSError: the data set's files are missing and could not be downloaded.
        ValueError: the name or split is unknown; noise is to be applied to a
            validation or test split, or to human labels; `human_labels` is
            passed for another data set; or `max_samples` is below 1.

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
            f"Expected a data set with verified labels, one of "
            f"{', '.join(_TRUSTED)}. Received: split='trusted' of {name!r}; "
            "select some of the training set with source.split(trusted=10)"
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
    options: dict[str, Any] = {}
    if name in cifar_n.KINDS:
        options["kind"] = human_labels
        if noise is not None:
            raise ConfigurationError(
                f"Expected no noise on the human labels of {name}. Received: "
                f"{noise.name} noise; use it with {name.removesuffix('_n')}"
            )
    elif human_labels is not None:
        raise ConfigurationError(
            f"Expected `human_labels` with one of {', '.join(cifar_n.KINDS)}. "
            f"Received: human_labels={human_labels!r} with {name!r}"
        )
    if max_unreadable is not None:
        if name not in layouts.BY_NAME:
            raise ConfigurationError(
                "Expected `max_unreadable` with one of "
                f"{', '.join(layouts.BY_NAME)}. Received: {name!r}"
            )
        options["max_unreadable"] = max_unreadable
    source = _LOADERS[name](split, data_dir, **options)
    if max_samples is not None and max_samples < source.num_samples:
        source = source.subset(range(max_samples))
    if image_size is not None:
        source = source.resized(image_size)
    return source.with_noise(noise)
