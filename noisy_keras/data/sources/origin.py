"""Sources by one string: a data set's name, `folder:PATH` and the like."""

import dataclasses
import functools
from collections.abc import Callable

from noisy_keras.data import layouts
from noisy_keras.data.io import filesystem
from noisy_keras.data.sources import csv_labels
from noisy_keras.data.sources import folder
from noisy_keras.data.sources import record_source
from noisy_keras.data.sources import tfds_source
from noisy_keras.data.sources.load import load as load_by_name
from noisy_keras.utils.errors import ConfigurationError

#: What may stand before a colon, and what after it.
KINDS = {"folder": "PATH", "csv": "PATH", "tfrecord": "PATH", "tfds": "NAME"}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where samples come from.

    Attributes:
        splits: those there are of `"train"`, `"validation"` and `"test"`;
            empty where samples are in no split.
        load: function of a split, or None for all samples, and keyword
            arguments such as `image_size` (None: the usual one) to a `Source`.
        fit: the split that leaves out what `"validation"` was cut from.
    """

    splits: frozenset
    load: Callable
    fit: str = "train"


def parse(text):
    """The parts of such a string.

    Args:
        text: a name, or one of `KINDS`, a colon, and a path or name.

    Returns:
        The kind, `"name"` or one of `KINDS`; and the name or path.

    Raises:
        ValueError: something else stands before a colon.
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


def find(text, data_dir=None):
    """Finds where samples come from.

    Args:
        text: as of `parse`.
        data_dir: TFDS folder, or that of a named data set's files; or None.

    Returns:
        An `Origin`.

    Raises:
        OSError: it is not there.
        ValueError: it is nothing of that kind.
    """
    kind, name = parse(text)
    if kind == "folder":
        splits = folder.folder_splits(name)
        read = folder.from_folder
    elif kind == "csv":
        splits, read = csv_labels.csv_splits(name), csv_labels.from_csv
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
        if image_size is not None:
            options["image_size"] = image_size
        if known or kind == "tfds":
            options["split"] = split or "train"
        return read(name, **options)

    return Origin(known, load)


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
