"""Presets of SANM, on DivideMix and on cross-entropy."""

import dataclasses

from trainers import presets
from trainers.presets import Preset
from trainers.presets import dividemix

CLASS = "SANM"
#: The methods that SANM joins, the usual one first.
HOSTS = ("dividemix", "ce")

_CIFAR = Preset(
    source="Tu et al., SANM, CVPR 2023, code",
    network="preact_resnet18",
    epochs=360,
    learning_rate_drops=(150,),
    batch_size=64,
    warmup_epochs=10,
)
_CIFAR_ON_CROSS_ENTROPY = Preset(
    source="Tu et al., SANM, CVPR 2023, on the cross-entropy rows' setting",
    network="preact_resnet18",
    epochs=300,
    learning_rate_drops=(150,),
    batch_size=128,
    warmup_epochs=10,
)
#: What the code masks on Clothing1M, in which it makes no further views. Its
#: labels there are shifted by areas in pixels, which is not repeated.
_MASKS = {
    "ratio_range": (0.06, 0.13),
    "ratio_step": 0.1,
    "reconstruction_weight": 0.3,
    "extra_views": 0,
}
_CLOTHING1M = dataclasses.replace(
    dividemix.ROWS["clothing1m"],
    source="Tu et al., SANM, CVPR 2023, masks of its code for Clothing1M; "
    "batches, rate and weights as DivideMix's code",
    plugin_arguments=_MASKS,
)
#: The choices of the released code for Clothing1M where they differ. It begins
#: with weights that were not released, of contrastive learning.
_OFFICIAL_CLOTHING1M = {
    "source": "Tu et al., SANM, CVPR 2023, code for Clothing1M, from "
    "ImageNet's weights",
    "batch_size": 8,
    "steps_per_epoch": 15_625,
    "learning_rate": 9e-4,
    "arguments": dividemix.ROWS["clothing1m"].arguments
    | {
        "guess_view": "weak",
        "train_view": None,
        "warmup_view": "weak",
        "warmup_clip_norm": None,
    },
}
# The paper's rows for Animal-10N are of SSR with SANM.
_ANIMAL10N = dataclasses.replace(
    dividemix.ROWS["animal10n"],
    source="noisy_keras, SANM on DivideMix with the network, the optimizer and "
    "the mixing ratio of Feng et al., SSR, BMVC 2022, code for Animal-10N",
    # Its logits are no linear function of the feature map.
    plugin_arguments={"activation": "energy", "decoder": "generic"},
)
_OTHERS = {
    name: dividemix.ROWS[name]  # What the host needs is enough for SANM.
    for name in ("digits", presets.ANY)
}
#: By host and data set.
ROWS = {
    "dividemix": {
        "cifar10": _CIFAR,
        "cifar100": dataclasses.replace(_CIFAR, warmup_epochs=20),
        "animal10n": _ANIMAL10N,
        "clothing1m": _CLOTHING1M,
        "food101n": dataclasses.replace(
            _CLOTHING1M,
            source="noisy_keras, as SANM on Clothing1M",
        ),
        "mini_webvision": dataclasses.replace(
            dividemix.ROWS["mini_webvision"],
            source="noisy_keras, SANM on the settings of Li et al., DivideMix, "
            "ICLR 2020, code for WebVision",
            plugin_arguments={"decoder": "generic"},
        ),
        **_OTHERS,
    },
    "ce": {
        "cifar10": _CIFAR_ON_CROSS_ENTROPY,
        "cifar100": _CIFAR_ON_CROSS_ENTROPY,
        **_OTHERS,
    },
}

_PAPER = "Tu et al., SANM, CVPR 2023"
#: Published results by host, in % of the test pictures: best, and mean of the
#: last ten epochs.
TARGETS = {
    "dividemix": {
        ("cifar10", "symmetric", 0.2): f"96.4 best, 96.3 last ({_PAPER})",
        ("cifar10", "symmetric", 0.5): f"95.8 best, 95.6 last ({_PAPER})",
        ("cifar10", "symmetric", 0.8): f"94.6 best, 94.3 last ({_PAPER})",
        ("cifar10", "symmetric", 0.9): f"92.3 best, 92.1 last ({_PAPER})",
        ("cifar10", "asymmetric", 0.2): f"95.4 best ({_PAPER})",
        ("cifar10", "asymmetric", 0.4): f"94.8 best ({_PAPER})",
        ("cifar100", "symmetric", 0.2): f"81.2 best, 80.4 last ({_PAPER})",
        ("cifar100", "symmetric", 0.5): f"78.2 best, 78.0 last ({_PAPER})",
        ("cifar100", "symmetric", 0.8): f"68.7 best, 68.3 last ({_PAPER})",
        ("cifar100", "symmetric", 0.9): f"43.5 best, 43.0 last ({_PAPER})",
        "clothing1m": f"75.63 (ResNet-50 from ImageNet's weights; {_PAPER})",
    },
    "ce": {
        ("cifar10", "symmetric", 0.2): f"92.4 best, 92.1 last ({_PAPER})",
        ("cifar10", "symmetric", 0.5): f"89.7 best, 89.0 last ({_PAPER})",
        ("cifar10", "symmetric", 0.8): f"72.1 best, 69.6 last ({_PAPER})",
        ("cifar10", "symmetric", 0.9): f"51.5 best, 47.3 last ({_PAPER})",
        ("cifar100", "symmetric", 0.2): f"70.9 best, 70.5 last ({_PAPER})",
        ("cifar100", "symmetric", 0.5): f"53.1 best, 50.9 last ({_PAPER})",
        ("cifar100", "symmetric", 0.8): f"34.8 best, 32.0 last ({_PAPER})",
        ("cifar100", "symmetric", 0.9): f"18.6 best, 18.1 last ({_PAPER})",
    },
}


def select(dataset, noise_type, noise_rate, name, host=HOSTS[0]):
    """The row for a run."""
    rows, dataset = ROWS[host], presets.photographs(dataset)
    row = rows.get(dataset, rows[presets.ANY])
    released = name == "official" and host == "dividemix"
    if released and dataset == "clothing1m":
        row = dataclasses.replace(row, **_OFFICIAL_CLOTHING1M)
    if host == "dividemix":
        row = dividemix.for_noise(row, dataset, noise_type, noise_rate, name)
    if name == "official":
        # The choices themselves are with the method: `nk.SANM(preset=...)`.
        row = dataclasses.replace(
            row, source=f"{row.source}; the released code's choices"
        )
    return row


def constructor_arguments(row, source):
    """The arguments of `nk.SANM` from a row: dict."""
    del source
    return {
        **row.method_arguments(),
        "host": row.method.partition("/")[2] or HOSTS[0],
        "preset": row.name,
        "plugin": row.plugin_arguments,
    }
