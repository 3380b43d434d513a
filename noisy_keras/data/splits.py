"""Names of splits as people write them, and lists cut short for messages."""

#: Names of sub-folders, and values of a CSV file's column, of each split.
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}

_SHOWN = 3


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


def first(items):
    """The first few items, for a message.

    Args:
        items: list of strings.

    Returns:
        str.
    """
    told = ", ".join(items[:_SHOWN])
    return told + (", ..." if len(items) > _SHOWN else "")
