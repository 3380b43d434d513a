"""Sources from one string: the name of a data set, `folder:PATH` and so on."""

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any

from noisy_keras.data import layouts
from noisy_keras.data.io import filesystem
from noisy_keras.data.sources import csv_labels
from noisy_keras.data.sources import feature_files
from noisy_keras.data.sources import folder
from noisy_keras.data.sources import record_source
from noisy_keras.data.sources import tfds_source
from noisy_keras.data.sources.load import load as load_by_name
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError

#: The possible prefixes before a colon, and what follows them.
KINDS = {
    "folder": "PATH",
    "csv": "PATH",
    "features": "FILE",
    "tfrecord": "PATH",
    "tfds": "NAME",
}
# Arguments that say how samples are read, by kind.
_READING = {
    "folder": ("layout",),
    "features": ("labels", "class_names"),
    "csv": ("path_column", "label_column", "image_root", "class_names"),
}
_OF = {
    key: f"{kind}:{KINDS[kind]}"
    for kind, keys in _READING.items()
    for key in keys
}


@dataclasses.dataclass(frozen=True)
class Origin:
    """A place from which samples are loaded.

    Attributes:
        splits: frozenset of str, the available ones of `"train"`,
            `"validation"` and `"test"`; empty if samples have no split.
        load: function from a split (str, or None for all samples) and keyword
            arguments such as `image_size` (None for the default) to a
            `Source`.
        fit: str, the training split without the samples of `"validation"`.
    """

    splits: frozenset[str]
    load: Callable[..., Source]
    fit: str = "train"


def parse(text: str) -> tuple[str, str]:
    """Splits a string into kind and name.

    Args:
        text: str, a data set's name; or one of `KINDS`, a colon, and a path or
            name.

    Returns:
        A pair of str: the kind, `"name"` or one of `KINDS`; and the name or
        path.

    Raises:
        ValueError: the prefix before the colon is unknown.
    """
    kind, colon, name = text.partition(":")
    if not colon:
        return "name", text
    if kind not in KINDS:
        forms = ", ".join(f"{kind}:{what}" for kind, what in KINDS.items())
        raise ConfigurationError(
            f"Expected a data set's name, or {forms}. Received: {text!r}"
        )
    return kind, filesystem.expanded(name)


def find(
    text: str,
    data_dir: str | os.PathLike | None = None,
    **reading: Any,
) -> Origin:
    """Finds the origin that a string specifies.

    Args:
        text: str, as in `parse`.
        data_dir: str, TFDS' data folder or the folder of a named data set's
            files; or None.
        **reading: how a folder or a CSV file is read: `layout` of
            `from_folder`; `path_column`, `label_column`, `image_root` and
            `class_names` of `from_csv`; `labels` and `class_names` of
            `from_feature_file`. Those that are None are left out.

    Returns:
        An `Origin`.

    Raises:
        OSError: the path or data set does not exist.
        ValueError: the prefix is unknown, or the files are invalid.
    """
    kind, name = parse(text)
    reading = {key: v for key, v in reading.items() if v is not None}
    wanted = _READING.get(kind, ())
    wrong = [key for key in reading if key not in wanted]
    if wrong:
        raise ConfigurationError(
            f"Expected {', '.join(wrong)} with {_OF[wrong[0]]} alone. "
            f"Received: {text!r}"
        )
    if kind == "folder":
        splits = folder.folder_splits(name, reading.get("layout"))
        read = folder.from_folder
    elif kind == "csv":
        splits, read = csv_labels.csv_splits(name), csv_labels.from_csv
    elif kind == "features":
        # Read once: its splits have the classes of the whole file.
        read_file = feature_files.FeatureFile.read(name, **reading)
        splits, reading = read_file.splits, {}
        read = functools.partial(_of_features, read_file)
    elif kind == "tfrecord":
        splits = record_source.tfrecord_splits(name)
        read = record_source.from_tfrecord
    elif kind == "tfds":
        splits = tfds_source.tfds_splits(name, data_dir)
        read = functools.partial(tfds_source.from_tfds, data_dir=data_dir)
    else:
        return _named(name, data_dir)
    known = frozenset(splits)

    def load(split, image_size=None, **options):
        options = reading | options
        if image_size is not None:
            options["image_size"] = image_size
        if known or kind == "tfds":
            options["split"] = split or "train"
        return read(name, **options)

    return Origin(known, load)


def _of_features(read_file, name, image_size=None, **options):
    if image_size is not None:
        raise ConfigurationError(
            "Expected no size of images with features:FILE. "
            f"Received: image_size={image_size} with {name}"
        )
    return read_file.source(**options)


def _named(name, data_dir):
    splits = {"train", "validation", "test"}
    if name in layouts.BY_NAME:
        splits &= set(layouts.BY_NAME[name].splits)

    def load(split, **options):
        return load_by_name(
            name, split or "train", data_dir=data_dir, **options
        )

    fit = "fit" if name.startswith("cifar") else "train"
    return Origin(frozenset(splits), load, fit)
