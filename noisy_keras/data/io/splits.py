"""Names of splits as people write them."""

#: Names of sub-folders, and values of a CSV file's column, of each split.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}


def split_of(name):
    """The split that a name stands for.

    Args:
        name: str or None.

    Returns:
        `"train"`, `"validation"`, `"test"` or None.
    """
    for split, names in SPLITS.items():
        if (name or "").lower() in names:
            return split
    return None
