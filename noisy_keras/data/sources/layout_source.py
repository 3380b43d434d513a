"""Sources from the original files of published data sets, with no copy."""

import warnings

from noisy_keras.data import layouts
from noisy_keras.data.io import filesystem
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.utils.errors import ConfigurationError

# Opening more files than this at the start would take minutes.
_LOOK_INTO = 100_000


def load(name, split, data_dir):
    """Loads a split straight from the files as their authors publish them.

    Args:
        name: one of `noisy_keras.data.layouts.BY_NAME`.
        split: `"train"`, `"validation"`, `"test"` or `"trusted"`, as far as
            there is one.
        data_dir: folder of the files.

    Returns:
        A `FileSource` of images uint8 `[224, 224, 3]`.

    Raises:
        OSError: no folder, or files missing, with what belongs where.
        ValueError: lists with mistakes, or unreadable pictures.

    Warns:
        UserWarning: with a training split, pictures that no list names.
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
    if split == "trusted":
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
    )
    return source.readable() if source.num_samples <= _LOOK_INTO else source


def _check_files(name, listing, split, data_dir):
    # Told with the training split alone: once is enough, and splits share
    # folders, so it takes the lists of all of them.
    train = split == "train"
    beside = layouts.BY_NAME[name].beside(data_dir, split) if train else ()
    report = layouts.check_files(listing, beside=beside)
    report.require_all()
    if train and report.surplus:
        warnings.warn(
            f"Expected no other pictures beside those of {name}'s lists in "
            f"{listing.root}. Received: {report}. They are left out.",
            stacklevel=3,
        )
