"""Rows for features: those for pictures, with what vectors need in their place.

A perceptron on vectors trains in seconds and memorises wrong labels soon, so
that few epochs at a small rate are best; of a hundred samples, a smaller rate
than this learns too little. Rate, epochs and network were chosen on digits and
photographs with 30 % of the labels wrong, for all methods alike: see
`benchmarks/features_grid.py`.
"""

import dataclasses

_EPOCHS = 20
# Phases of recipes like DRPL have an epoch each at least.
_PHASED_EPOCHS = 40
_SOURCE = "noisy_keras, for features"


def adapted(row):
    """A row for pictures as one for features.

    Args:
        row: `Preset` of any method.

    Returns:
        A `Preset`.
    """
    if row.source.startswith(_SOURCE):
        return row  # Of a host, within a recipe.
    note = row.source.partition("(")[2]
    epochs = min(row.epochs, _PHASED_EPOCHS if row.phased else _EPOCHS)
    return dataclasses.replace(
        row.with_epochs(epochs),
        source=f"{_SOURCE} ({note}" if note else _SOURCE,
        network="mlp",
        width=None,
        weights=None,
        image_size=None,
        steps_per_epoch=None,
        batch_size=64,
        learning_rate=0.003,
        weight_decay=5e-4,
        restart_steps=None,
    )
