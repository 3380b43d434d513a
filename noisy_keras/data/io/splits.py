"""Common names of splits."""

import re

#: By split: names of its sub-folder, or values in a CSV file's column.
SPLITS = {
    "train": ("train", "training", "trainset"),
    "validation": ("validation", "val", "valid", "dev", "valset"),
    "test": ("test", "testing", "testset"),
}
#: Words in names of folders that hold neither a split nor a class.
NO_CLASSES = frozenset(
    "unlabelled unlabeled unlabel unsup unsupervised nolabel pred preds "
    "predict prediction predictions predicted inference infer extra extras "
    "submission submissions sample samples all raw original originals backup "
    "archive old tmp temp holdout heldout misc unused pool".split()
)

# Words by case, digits and punctuation: TrainImages, val2017, seg_train.
_WORD = re.compile(r"[^\W\d_]?[a-z]+|[^\W\d_a-z]+(?![a-z])|[^\W\d_]+")


def split_of(name: str | None) -> str | None:
    """Returns the split that a name stands for.

    Args:
        name: str such as `"val"` or `"Training"`, or None.

    Returns:
        `"train"`, `"validation"`, `"test"`, or None if the name is unknown.
    """
    for split, names in SPLITS.items():
        if (name or "").strip().lower() in names:
            return split
    return None


def split_in(name: str) -> str | None:
    """Returns the split that one word of a name stands for.

    Args:
        name: str, name of a folder such as `"seg_train"`, `"TrainImages"` or
            `"val2017"`.

    Returns:
        `"train"`, `"validation"`, `"test"`; or None if no word or more than
        one word is the name of a split.
    """
    found = [split for word in words(name) if (split := split_of(word))]
    return found[0] if len(found) == 1 else None


def words(name: str) -> list[str]:
    """Splits a name into its words, in lower case, without digits."""
    return [word.lower() for word in _WORD.findall(name)]
