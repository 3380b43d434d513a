"""Flags for networks whose weights were trained before: what they decide.

It is loaded where one of them is given.
"""

from trainers import UsageError
from trainers.flags import FINE_TUNING
from trainers.flags import data
from trainers.flags import features
from trainers.flags import networks

# Flags for weights that are trained on from pretrained ones.
_OF_WEIGHTS = ("weights", "freeze_epochs", "backbone_rate", "layer_decay")
# Rate and decay of AdamW where none are given: presets have those of SGD.
_ADAMW = {"learning_rate": 1e-3, "weight_decay": 0.05}


def backbone(method, dataset, values):
    """The value of `--frozen_backbone`, checked.

    Args:
        method: str, name of the method, maybe with a slash and its host.
        dataset: str, value of `--dataset`.
        values: dict of all flags by name; None where left out.

    Returns:
        str, or None where it is left out.

    Raises:
        UsageError: a network without published weights, a method that needs
            pixels, or flags that do not go with it.
    """
    name = values.get("frozen_backbone")
    if name is None:
        return None
    if data.split_name(dataset)[0] == "features":
        raise UsageError(
            "--frozen_backbone: expected with images; got it with "
            f"--dataset={dataset}, which are features already"
        )
    found = networks.network(name, "frozen_backbone")
    provided = found.endswith(".keras") or found.startswith(
        tuple(f"{provider}:" for provider in networks.PROVIDERS)
    )
    if not provided and found != "efficientnet_lite0":
        raise UsageError(
            "--frozen_backbone: expected a network with pretrained weights: "
            "efficientnet_lite0, keras:NAME, keras_hub:PRESET, "
            f"keras_cv:PRESET, FILE.keras or saved_model:DIR; got {name!r}"
        )
    features.check_pixels("frozen_backbone", method, name)
    if values.get("distribute") == "multi_worker":
        raise UsageError(
            "--frozen_backbone: expected one process, which makes the features "
            "for all; got it with --distribute=multi_worker. Make a file of "
            "them with trainers.features, and train on features:FILE"
        )
    for flag in _OF_WEIGHTS:
        if values.get(flag) not in (None, 0):
            raise UsageError(
                f"--{flag}: expected without --frozen_backbone, whose "
                f"weights are not trained; got {values[flag]}"
            )
    return found


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
    # The optimizer and the frozen backbone are chosen already.
    _, *names, _ = FINE_TUNING
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
