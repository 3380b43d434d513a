"""Sources from the original files of published data sets, with no copy."""

from noisy_keras.data import layouts
from noisy_keras.data.file_source import FileSource

# Opening more files than this at the start would take minutes.
_LOOK_INTO = 100_000


def load(name, split, data_dir):
    """Loads a split straight from the files as their authors publish them.

    Args:
        name: one of `noisy_keras.data.layouts.BY_NAME`.
        split: `"train"`, `"validation"` or `"test"`, as far as there is one.
        data_dir: folder of the files.

    Returns:
        A `FileSource` of images uint8 `[224, 224, 3]`.

    Raises:
        OSError: no folder, or files missing, with what belongs where.
        ValueError: lists with mistakes, or unreadable pictures.
    """
    layout = layouts.BY_NAME[name]
    if data_dir is None:
        raise OSError(
            f"Expected `data_dir`, the folder of {name}'s original files. "
            f"Received: None. {layout.manual}"
        )
    split = "train" if split == "fit" else split
    if split not in layout.splits:
        raise ValueError(
            f"Expected a split of {name}, one of {', '.join(layout.splits)}. "
            f"Received: {split!r}"
        )
    listing = layout.read(data_dir, split)
    layouts.check_files(listing).require_all()
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
