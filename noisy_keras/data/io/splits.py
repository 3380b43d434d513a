"""Common names of splits."""

#: By split: names of its sub-folder, or values in a CSV file's column.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}


def split_of(name: str | None) -> str | None:
    """Returns the split that a name stands for.

    Args:
        name: str such as `"val"` or `"Training"`, or None.

    Returns:
        `"train"`, `"validation"`, `"test"`, or None if the name is unknown.
    """
    for split, names in SPLITS.items():
        if (name or "").lower() in names:
            return split
    return None
