"""The command-line flags, checks of their values, and the settings of a run."""

import os

from trainers import UsageError

#: Flags for networks that were trained before.
FINE_TUNING = (
    "optimizer",
    "freeze_epochs",
    "backbone_rate",
    "layer_decay",
    "frozen_backbone",
)
#: Flags for classes of different sizes, and the methods that take them: their
#: loss to given labels can be balanced.
IMBALANCE = (
    "class_weight",
    "sampling",
    "logit_adjustment",
    "adjustment_strength",
)
BALANCED = ("cross_entropy", "gce", "elr")
#: Those whose epochs can be of as many samples of each class.
SAMPLED = (*BALANCED, "dividemix", "sanm")


def require_file(flag, path, what):
    """Raises unless the value of a flag is the path of a file.

    Args:
        flag: str, name of the flag.
        path: str, value of the flag. Remote paths pass: they are checked when
            TensorFlow has loaded.
        what: str, what was expected.

    Raises:
        UsageError: there is no such file.
    """
    local = "://" not in path
    if local and not os.path.isfile(os.path.expanduser(path)):
        raise UsageError(
            f"--{flag}: expected {what}; got {path!r}, which is no file"
        )


def require_run(folder):
    """Raises unless `--run` was given.

    Args:
        folder: str, value of the flag, or None.

    Raises:
        UsageError: it was not.
    """
    if folder is None:
        raise UsageError("--run: expected the folder of a run; got none")


def require_some(flag, given, allowed, what):
    """Raises unless a flag lists some of the allowed values, and no other.

    Args:
        flag: str, name of the flag.
        given: list of str, value of the flag.
        allowed: the values that it may have.
        what: str, what was expected, before the list of allowed values.

    Raises:
        UsageError: other values, or none.
    """
    wrong = [name for name in given if name not in allowed]
    if wrong or not given:
        raise UsageError(
            f"--{flag}: expected {what} {', '.join(allowed)}; "
            f"got {', '.join(wrong) or 'none'}"
        )
