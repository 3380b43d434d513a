"""Presets of auto: cross-entropy's, whose epochs are its budget."""

import dataclasses

from trainers import presets

CLASS = "Auto"

#: It is ours; nothing is published.
TARGETS: dict = {}


def select(dataset, noise_type, noise_rate, name):
    """The row for a run: that of plain training."""
    row = presets.row_of("cross_entropy", dataset, noise_type, noise_rate, name)
    # Its parts show their samples in their own ways.
    arguments = {k: v for k, v in row.arguments.items() if k != "sampling"}
    return dataclasses.replace(
        row, source=f"{row.source}; the budget of auto", arguments=arguments
    )


def constructor_arguments(row, source):
    """The arguments of the recipe from a row."""
    del source
    return row.method_arguments() | {
        "epochs": row.epochs,
        "drops": row.learning_rate_drops,
    }
