"""Presets of DMLP: its hosts' on purified labels, with trusted samples."""

import dataclasses

from trainers import presets
from trainers.presets.shared import recipes

CLASS = "DMLP"
#: The methods that it can end with, the usual one first.
HOSTS = tuple(host for host in recipes.HOSTS if host != "eg")

#: The noise that hosts are set for, whatever the noise before: the papers say
#: nothing of it, and purified labels are as good as those of the least noise
#: that hosts were published for.
PURIFIED_NOISE = ("symmetric", 0.2)
#: Trusted samples per class. The paper has 1,000 in all on CIFAR. On Clothing1M
#: it has the 14,313 of the validation split; with a tenth of these, as here,
#: its table 7 has 75.5 % in place of 77.3 %.
TRUSTED = {"digits": 10, "cifar10": 100, "cifar100": 10, "clothing1m": 100}
#: The same for other data sets.
TRUSTED_PICTURES = 20

_PAPER = "Tu et al., DMLP, CVPR 2023, features of a ResNet-50"
#: Published results by host, in % of the test pictures: best, and last.
TARGETS = {
    "cross_entropy": {
        ("cifar10", "symmetric", 0.2): f"94.7 best, 94.2 last ({_PAPER})",
        ("cifar10", "symmetric", 0.5): f"94.2 best, 94.0 last ({_PAPER})",
        ("cifar10", "symmetric", 0.8): f"93.5 best, 93.2 last ({_PAPER})",
        ("cifar10", "symmetric", 0.9): f"92.8 best, 92.0 last ({_PAPER})",
        ("cifar10", "asymmetric", 0.2): f"94.6 best ({_PAPER})",
        ("cifar10", "asymmetric", 0.4): f"93.9 best ({_PAPER})",
        ("cifar100", "symmetric", 0.2): f"72.7 best, 72.3 last ({_PAPER})",
        ("cifar100", "symmetric", 0.5): f"68.0 best, 67.4 last ({_PAPER})",
        ("cifar100", "symmetric", 0.8): f"63.5 best, 63.2 last ({_PAPER})",
        ("cifar100", "symmetric", 0.9): f"61.3 best, 60.9 last ({_PAPER})",
        "clothing1m": f"77.77 ({_PAPER})",
    },
    "dividemix": {
        ("cifar10", "symmetric", 0.2): f"96.3 best, 96.2 last ({_PAPER})",
        ("cifar10", "symmetric", 0.5): f"95.8 best, 95.6 last ({_PAPER})",
        ("cifar10", "symmetric", 0.8): f"94.5 best, 94.3 last ({_PAPER})",
        ("cifar10", "symmetric", 0.9): f"94.3 best, 94.0 last ({_PAPER})",
        ("cifar10", "asymmetric", 0.2): f"95.2 best ({_PAPER})",
        ("cifar10", "asymmetric", 0.4): f"95.0 best ({_PAPER})",
        ("cifar100", "symmetric", 0.2): f"79.9 best, 79.4 last ({_PAPER})",
        ("cifar100", "symmetric", 0.5): f"76.8 best, 76.1 last ({_PAPER})",
        ("cifar100", "symmetric", 0.8): f"68.6 best, 68.5 last ({_PAPER})",
        ("cifar100", "symmetric", 0.9): f"65.8 best, 65.4 last ({_PAPER})",
        "clothing1m": f"78.23 ({_PAPER})",
    },
}


def select(dataset, noise_type, noise_rate, name, host=HOSTS[0]):
    """The row for a run: its host's, for purified labels."""
    del noise_type, noise_rate
    row = recipes.host_row(
        host, dataset, *PURIFIED_NOISE, name, "on purified labels"
    )
    return dataclasses.replace(
        row,
        trusted=TRUSTED.get(presets.photographs(dataset), TRUSTED_PICTURES),
    )


def constructor_arguments(row, source):
    """The arguments of `nk.DMLP` from a row: dict."""
    import noisy_keras as nk

    del source
    host = row.method.partition("/")[2] or HOSTS[0]
    purifier = nk.LabelPurifier(preset=row.name)
    return recipes.constructor_arguments(row, host) | {"purifier": purifier}
