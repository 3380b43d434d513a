"""The papers' settings of methods whose labels change: Joint-Optim and DRPL."""

import dataclasses

from trainers.presets.preset import Preset

METHODS = ("joint_optim", "drpl")

#: DRPL's arguments that are epochs of a phase, in the order of the phases;
#: `warmup_epochs` are those of two.
PHASES = ("relabel_epochs", "ssl_epochs", "final_epochs")

# The published number of epochs, by those of the first phase: CIFAR-10's, and
# those of CIFAR-100, ImageNet32 and ImageNet64.
_LONG = {
    "relabel_epochs": 130,
    "relabel_from": 70,
    "relabel_drops": (74, 109),
    "warmup_epochs": 10,
    "ssl_epochs": 175,
    "ssl_drops": (99, 149),
    "final_epochs": 300,
    "final_drops": (149, 224),
}
_SHORTER = _LONG | {
    "relabel_epochs": 100,
    "relabel_from": 40,
    "relabel_drops": (44, 79),
}
# Chosen by us: enough for small sets, or to begin with.
_BRIEF = {
    "relabel_epochs": 20,
    "relabel_from": 8,
    "relabel_drops": (12, 17),
    "warmup_epochs": 3,
    "ssl_epochs": 15,
    "ssl_drops": (8, 12),
    "final_epochs": 20,
    "final_drops": (10, 15),
}


def total(phases):
    """Epochs of all five phases."""
    return 2 * phases["warmup_epochs"] + sum(phases[name] for name in PHASES)


def counted(row, epochs, told):
    """Arguments of a method that are epochs, for a number of epochs in all.

    Args:
        row: a `Preset`.
        epochs: of the run.
        told: dict of the method's own flags; its epochs of phases count.

    Returns:
        dict.
    """
    if "ssl_epochs" in row.counted:
        phases = row.counted
        if epochs != row.epochs:
            phases = scaled(phases, epochs)
        names = ("warmup_epochs", *PHASES)
        return resized(phases, {n: told[n] for n in names if n in told})
    share = epochs / row.epochs
    return {k: max(1, round(v * share)) for k, v in row.counted.items()}


def scaled(phases, epochs):
    """The same phases in another number of epochs, each at least 1.

    Args:
        phases: dict of DRPL's arguments that are epochs.
        epochs: of all phases together.

    Returns:
        dict; `total` of it is `epochs`, which is at least 5.
    """
    share = epochs / total(phases)
    wanted = {
        name: max(1, round(phases[name] * share))
        for name in ("warmup_epochs", *PHASES)
    }
    # Rounding is made good where it matters least.
    while total(wanted) != epochs:
        longest = max(PHASES, key=wanted.get)
        wanted[longest] += 1 if total(wanted) < epochs else -1
    return resized(phases, wanted)


def resized(phases, wanted):
    """The same phases with other numbers of epochs.

    Args:
        phases: dict of DRPL's arguments that are epochs.
        wanted: dict of some of `PHASES` and `warmup_epochs`.

    Returns:
        dict; learning rates drop, and relabelling begins, in proportion.
    """
    new = phases | wanted
    for name in ("relabel", "ssl", "final"):
        part = new[f"{name}_epochs"] / phases[f"{name}_epochs"]
        drops = phases[f"{name}_drops"]
        new[f"{name}_drops"] = tuple(max(1, round(d * part)) for d in drops)
    part = new["relabel_epochs"] / phases["relabel_epochs"]
    begin = min(round(phases["relabel_from"] * part), new["relabel_epochs"] - 1)
    new["relabel_from"] = max(1, begin)
    return new


def preset(method, dataset, noise_type, noise_rate, name):
    """The row for a run: as `presets.preset`."""
    row = _PUBLISHED.get(dataset) or _OURS.get(dataset, _PICTURES)
    if method == "drpl":
        row = dataclasses.replace(
            row, epochs=total(row.counted), host=row.host | {"preset": name}
        )
    else:
        row = _joint_optim(row, noise_type, noise_rate, name)
    if name == "official":
        row = dataclasses.replace(
            row, source=f"{row.source}; the released code's choices"
        )
    return row


def _joint_optim(row, noise_type, noise_rate, name):
    """DRPL's first phase, or what Joint-Optim itself was published with."""
    phases = row.counted
    if name == "official":
        uniform = noise_type != "asymmetric" and (noise_rate or 0.0) > 0.0
        return dataclasses.replace(
            row,
            source="Tanaka et al., Joint-Optim, CVPR 2018, first step",
            epochs=200,
            drops=(),
            learning_rate=0.08 if uniform else 0.03,
            counted={"relabel_from": 70},
            host={
                "prior_weight": 1.2 if uniform else 0.8,
                "entropy_weight": 0.8 if uniform else 0.4,
            },
        )
    return dataclasses.replace(
        row,
        epochs=phases["relabel_epochs"],
        drops=phases["relabel_drops"],
        counted={"relabel_from": phases["relabel_from"]},
        host={},
    )


def _published(told, phases, threshold_1, image_size=None):
    return Preset(
        source=f"Ortego et al., DRPL, ICPR 2020, code, {told}",
        network="preact_resnet18",
        epochs=total(phases),
        drops=(),
        batch_size=128,
        learning_rate=0.1,
        weight_decay=1e-4,
        image_size=image_size,
        counted=phases,
        host={"threshold_1": threshold_1},
    )


_PUBLISHED = {
    "cifar10": _published("CIFAR-10", _LONG, 0.1),
    "cifar100": _published("CIFAR-100", _SHORTER, 0.1),
    "tfds:imagenet32/drpl": _published("ImageNet32", _SHORTER, 0.05),
    "tfds:imagenet64/drpl": _published("ImageNet64", _SHORTER, 0.05),
    # The settings of its mini-WebVision rows are not published.
    "mini_webvision": _published(
        "ImageNet64 in place of mini-WebVision, of which it tells none",
        _SHORTER,
        0.05,
        image_size=64,
    ),
}
_PUBLISHED["tfds:webvision/mini"] = _PUBLISHED["mini_webvision"]
# Not in the paper: its settings for ImageNet64, at a lower rate.
for _name in ("clothing1m", "animal10n"):
    _PUBLISHED[_name] = _PUBLISHED[f"tfds:{_name}"] = dataclasses.replace(
        _PUBLISHED["mini_webvision"],
        source="noisy_keras, after DRPL's settings for ImageNet64",
        learning_rate=0.02,
    )

_OURS = {
    "digits": Preset(
        source="noisy_keras, chosen on the digits' validation split",
        network="tiny",
        epochs=total(_BRIEF),
        drops=(),
        batch_size=32,
        learning_rate=0.1,
        weight_decay=1e-4,
        counted=_BRIEF,
        host={"threshold_1": 0.1, "warm_start": True},
    ),
}
_FOR_PICTURES = scaled(_BRIEF, 90)
_PICTURES = Preset(
    source="noisy_keras, a start for any pictures",
    network="preact_resnet18",
    width=32,
    image_size=64,
    epochs=total(_FOR_PICTURES),
    drops=(),
    batch_size=64,
    learning_rate=0.05,
    weight_decay=1e-4,
    counted=_FOR_PICTURES,
    host={"threshold_1": 0.05, "warm_start": True},
)
