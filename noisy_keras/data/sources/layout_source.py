"""Sources from the original files of published data sets, without a copy."""

import os
import warnings

from noisy_keras.data import layouts
from noisy_keras.data.io import filesystem
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.utils.errors import ConfigurationError


def load(
    name: str,
    split: str,
    data_dir: str | os.PathLike | None,
    max_unreadable: float | None = None,
) -> FileSource:
    """Loads a split from the files in their authors' folder structure.

    Args:
        name: str, one of `noisy_keras.data.layouts.BY_NAME`.
        split: str, `"train"`, `"validation"`, `"test"` or `"trusted"`, if the
            data set has it. `"fit"` is equal to `"train"`.
        data_dir: str, folder of the files.
        max_unreadable: as in `FileSource`.

    Returns:
        A `FileSource` of uint8 images `[224, 224, 3]`.

    Raises:
        OSError: the folder or files are missing; the message contains the
            expected folder structure.
        ValueError: the split is unknown, the data set's lists are invalid, or
            more images are unreadable than `max_unreadable` allows.

    Warns:
        UserWarning: there are images in no list. Only checked for `"train"`.
    """
    layout = layouts.BY_NAME[name]
    if data_dir is None:
        raise OSError(
            f"Expected `data_dir`, the folder of {name}'s original files. "
            f"Received: None. {layout.manual}"
        )
    data_dir = filesystem.expanded(data_dir)
    split = "train" if split == "fit" else split
    known = layout.splits + (("trusted",) if layout.trusted else ())
    if split not in known:
        raise ConfigurationError(
            f"Expected a split of {name}, one of {', '.join(known)}. "
            f"Received: {split!r}"
        )
    if split == "trusted" and layout.trusted:
        listing = layout.trusted(data_dir)
    else:
        listing = layout.read(data_dir, split)
    _check_files(name, listing, split, data_dir)
    source = FileSource(
        listing.paths,
        listing.labels,
        listing.class_names,
        root=listing.root,
        image_size=224,
        true_labels=listing.true_labels,
        ids=listing.ids,
        name=f"{name} ({split})",
        max_unreadable=max_unreadable,
    )
    return source.readable()


def _check_files(name, listing, split, data_dir):
    # Files in no list are only reported for the training split, where one
    # warning is enough. Splits share folders, so this needs all of their
    # lists.
    train = split == "train"
    beside = layouts.BY_NAME[name].beside(data_dir, split) if train else ()
    report = layouts.check_files(listing, beside=beside)
    report.require_all()
    if train and report.surplus:
        warnings.warn(
            f"Expected no other images besides those in {name}'s lists in "
            f"{listing.root}. Received: {report}. They are left out.",
            stacklevel=3,
        )
