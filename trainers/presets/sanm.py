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
_OTHERS = {
    name: dividemix.ROWS[name]  # What the host needs is enough for SANM.
    for name in ("digits", presets.ANY)
}
#: By host and data set.
ROWS = {
    "dividemix": {
        "cifar10": _CIFAR,
        "cifar100": dataclasses.replace(_CIFAR, warmup_epochs=20),
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
    rows = ROWS[host]
    row = rows.get(dataset, rows[presets.ANY])
    if host == "dividemix":
        row = dividemix.with_noise(row, dataset, noise_type, noise_rate)
        if name == "recommended" and noise_type == presets.ESTIMATED:
            row = dividemix.adaptive(row)
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
