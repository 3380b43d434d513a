"""Presets of C2D: its hosts', after SimCLR."""

import dataclasses

from trainers import presets
from trainers.presets.shared import recipes

CLASS = "C2D"
#: The methods that it can end with, the usual one first.
HOSTS = ("dividemix", *(h for h in recipes.HOSTS if h != "dividemix"))

#: What C2D's code does in DivideMix beside its encoder.
ARGUMENTS = {"warmup_view": "jitter", "warmup_clip_norm": 1.0}
#: What it does otherwise on photographs than DivideMix's code: fields of the
#: row, and arguments. (Its optimizer for Clothing1M is AdamW, at the same rate
#: and decay.)
ON_PHOTOGRAPHS = {
    "clothing1m": (
        {"epochs": 120, "learning_rate_drops": (40,)},
        {"warmup_view": "weak", "clean_threshold": 0.7},
    ),
    "mini_webvision": (
        {"network": "resnet50", "image_size": 227},
        {
            "warmup_view": "weak",
            "warmup_clip_norm": None,
            "clean_threshold": 0.03,
        },
    ),
}

_TABLE = "Tu et al., DMLP, CVPR 2023"
_SANM = "Tu et al., SANM, CVPR 2023"
#: Published results by host, in % of the test pictures: best, and last.
TARGETS = {
    "dividemix": {
        ("cifar10", "symmetric", 0.2): f"96.3 best, 96.2 last ({_TABLE})",
        ("cifar10", "symmetric", 0.5): f"95.2 best, 95.1 last ({_TABLE})",
        ("cifar10", "symmetric", 0.8): f"94.4 best, 94.1 last ({_TABLE})",
        ("cifar10", "symmetric", 0.9): f"93.5 best, 93.4 last ({_TABLE})",
        ("cifar10", "asymmetric", 0.2): f"93.8 best ({_SANM})",
        ("cifar10", "asymmetric", 0.4): f"93.4 best ({_SANM})",
        ("cifar100", "symmetric", 0.2): f"78.6 best, 78.3 last ({_TABLE})",
        ("cifar100", "symmetric", 0.5): f"76.4 best, 76.0 last ({_TABLE})",
        ("cifar100", "symmetric", 0.8): f"67.7 best, 67.4 last ({_TABLE})",
        ("cifar100", "symmetric", 0.9): f"58.7 best, 58.4 last ({_TABLE})",
        "clothing1m": f"74.30 ({_TABLE})",
    },
    "sanm": {
        ("cifar10", "symmetric", 0.2): f"96.6 best ({_SANM})",
        ("cifar10", "symmetric", 0.5): f"96.4 best ({_SANM})",
        ("cifar10", "symmetric", 0.8): f"95.7 best ({_SANM})",
        ("cifar10", "symmetric", 0.9): f"95.1 best ({_SANM})",
        ("cifar100", "symmetric", 0.2): f"81.9 best ({_SANM})",
        ("cifar100", "symmetric", 0.5): f"79.3 best ({_SANM})",
        ("cifar100", "symmetric", 0.8): f"71.6 best ({_SANM})",
        ("cifar100", "symmetric", 0.9): f"61.9 best ({_SANM})",
    },
}


def select(dataset, noise_type, noise_rate, name, host=HOSTS[0]):
    """The row for a run: its host's; DivideMix's as C2D's code has it."""
    if host != "dividemix":
        return recipes.host_row(
            host, dataset, noise_type, noise_rate, name, "after SimCLR"
        )
    row = recipes.host_row(
        host,
        dataset,
        noise_type,
        noise_rate,
        name,
        "as Zheltonozhskii et al., C2D, WACV 2022, code",
    )
    dataset = presets.photographs(dataset.removeprefix("tfds:"))
    changes = {"warmup_epochs": 5}
    arguments = row.arguments | ARGUMENTS
    if dataset in ("cifar10", "cifar100"):
        changes |= {"network": "resnet18", "epochs": 360}
        if dataset == "cifar100" and 0.8 <= (noise_rate or 0.0) < 0.9:
            arguments |= {"unlabeled_weight": 500.0, "clean_threshold": 0.03}
    elif dataset in ON_PHOTOGRAPHS:
        own, options = ON_PHOTOGRAPHS[dataset]
        changes |= own
        arguments |= options
    return dataclasses.replace(row, **changes, arguments=arguments)


def constructor_arguments(row, source):
    """The arguments of `nk.C2D` from a row: dict."""
    del source
    host = row.method.partition("/")[2] or HOSTS[0]
    return recipes.constructor_arguments(row, host)
