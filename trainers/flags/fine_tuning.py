"""Flags for networks whose weights were trained before."""

from absl import flags

from trainers import UsageError
from trainers.flags import FINE_TUNING

OPTIMIZERS = ("sgd", "adamw")
# Rate and decay of AdamW where none are given: presets have those of SGD.
_ADAMW = {"learning_rate": 1e-3, "weight_decay": 0.05}


def define():
    """Defines the flags."""
    flags.DEFINE_enum(
        "optimizer",
        None,
        list(OPTIMIZERS),
        "Optimizer: sgd with momentum, or adamw, whose default learning rate "
        "is 0.001 and weight decay 0.05.",
    )
    flags.DEFINE_integer(
        "freeze_epochs",
        None,
        "First epochs in which the classifier alone is trained, on a "
        "pretrained network.",
        lower_bound=0,
    )
    flags.DEFINE_float(
        "backbone_rate",
        None,
        "What the learning rate is multiplied by for all layers but the "
        "classifier, such as 0.1.",
    )
    flags.DEFINE_float(
        "layer_decay",
        None,
        "What it is multiplied by once more for each block between a layer "
        "and the classifier, such as 0.75 for vision transformers.",
    )


def resolve(training, values, pick):
    """Completes the settings of training.

    Args:
        training: dict, the `training` part of `Settings`.
        values: dict of all flags by name; None where left out.
        pick: function of a flag and its default to the value.

    Returns:
        dict.

    Raises:
        UsageError: a number out of range, or a flag that the optimizer lacks.
    """
    _, *names = FINE_TUNING  # The optimizer is chosen.
    found = {name: pick(name, None) for name in names}
    for name, low in (("backbone_rate", 0.0), ("layer_decay", 1e-9)):
        rate = found[name]
        if rate is not None and not low <= rate <= 1.0:
            raise UsageError(
                f"--{name}: expected a number between 0 and 1; got {rate}"
            )
        if rate is not None and training["optimizer"] == "lars":
            raise UsageError(
                f"--{name}: expected with --optimizer=sgd or adamw; got it "
                "with lars"
            )
    if found["freeze_epochs"] and found["freeze_epochs"] > training["epochs"]:
        raise UsageError(
            "--freeze_epochs: expected at most the number of epochs, "
            f"{training['epochs']}; got {found['freeze_epochs']}"
        )
    if training["optimizer"] == "adamw":
        given = {n: v for n, v in _ADAMW.items() if values.get(n) is None}
        training = training | given
    return training | found
