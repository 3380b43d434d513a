"""Presets of MoCo."""

import dataclasses

from trainers import presets
from trainers.presets import Preset
from trainers.presets import simclr

CLASS = "MoCo"

_CIFAR = Preset(
    source="noisy_keras, after the authors' demonstration on CIFAR-10",
    network="resnet18",
    epochs=200,
    learning_rate_drops=(),
    batch_size=512,
    learning_rate=0.06,
    weight_decay=5e-4,
    rate_warmup_epochs=0,
    arguments={"temperature": 0.1, "queue_size": 4096, "key_momentum": 0.99},
)
#: By data set.
ROWS = {
    "cifar10": _CIFAR,
    "cifar100": _CIFAR,
    "digits": dataclasses.replace(
        simclr.ROWS["digits"],
        source="noisy_keras, a start for the digits, not tuned",
        arguments={"temperature": 0.2, "queue_size": 512, "key_momentum": 0.99},
    ),
    presets.ANY: dataclasses.replace(
        simclr.ROWS[presets.ANY],
        learning_rate=0.03,
        arguments={
            "temperature": 0.2,
            "queue_size": 4096,
            "key_momentum": 0.99,
        },
    ),
}
#: No published result: the networks' accuracies are of other methods on them.
TARGETS = {}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run; noise and preset decide nothing here."""
    del noise_type, noise_rate, name
    return ROWS.get(dataset, ROWS[presets.ANY])


def constructor_arguments(row, source):
    """The arguments of `nk.MoCo` from a row: dict."""
    return with_short_queue(
        row.method_arguments(), source.num_samples, row.batch_size
    )


def with_short_queue(arguments, num_samples, batch_size):
    """The same arguments with a queue that suits a small data set.

    Args:
        arguments: dict, of `nk.MoCo`.
        num_samples: int, number of training samples N.
        batch_size: int, batch size B.

    Returns:
        dict; `queue_size` is at most N / 2, as a longer queue holds keys of
        the pictures that are compared with it, and at least B.
    """
    size = max(batch_size, min(arguments["queue_size"], num_samples // 2))
    return arguments | {"queue_size": size}
