"""How good purified labels are, told by samples held out.

A part of the trusted samples takes no part in the purification. What linear
classifiers say of them is compared with their labels. The table has no row for
them, so some are made: *followers*, copies of a held-out sample that start
with labels such as noise gives (see `noise`), move as a row of the table
would, and enter neither regression nor classifier. What becomes of them tells
what becomes of the table.
"""

import numpy as np

from noisy_keras.data.selection import partition
from noisy_keras.utils.errors import ConfigurationError

#: What labels may be taken from: the given labels as they were, the table, the
#: closed-form classifier's response, the auxiliary classifier.
CANDIDATES = ("given", "labels", "response", "classifier")


def hold_out(labels, share, seed):
    """Splits trusted samples, each class in proportion.

    One of each class at least is not held out.

    Args:
        labels: int `[V]`.
        share: in [0, 1).
        seed: of the choice.

    Returns:
        Positions of those to learn from and of those held out.

    Raises:
        ValueError: none is left to hold out.
    """
    if not share:
        return np.arange(len(labels)), np.arange(0)
    count = max(1, round(share * len(labels)))
    random = np.random.RandomState(seed)
    held = partition.stratified(labels, min(count, len(labels)), random)
    for c in np.unique(labels[held]):
        if np.sum(labels == c) == np.sum(labels[held] == c):
            held = np.delete(held, np.flatnonzero(labels[held] == c)[0])
    if not len(held):
        raise ConfigurationError(
            "Expected trusted samples to spare, to be held out, beside one of "
            f"each class. Received: {len(labels)} samples of "
            f"{len(np.unique(labels))} classes; give at least two of each, or, "
            'in Python, `LabelPurifier(held_out=0, export="response")`'
        )
    return np.setdiff1d(np.arange(len(labels)), held), held


def quality(probabilities, labels):
    """How right predictions are.

    Args:
        probabilities: `[n, K]`, distributions.
        labels: int `[n]`.

    Returns:
        Accuracy, and the Brier score's negative, which breaks ties.
    """
    right = np.mean(probabilities.argmax(axis=1) == labels)
    targets = np.eye(probabilities.shape[1])[labels]
    error = np.mean(np.sum(np.square(probabilities - targets), axis=1))
    return float(right), -float(error)


class Best:
    """The best of each candidate so far.

    Attributes:
        quality: dict by candidate, see `quality`.
        epoch: dict by candidate; -1 for the start.
        kept: dict by candidate, lists of arrays.
    """

    def __init__(self):
        self.quality, self.epoch, self.kept = {}, {}, {}

    def offer(self, candidate, quality, epoch, make):
        """Keeps a candidate if it is better than it was.

        Args:
            candidate: of `CANDIDATES`.
            quality: see `quality`.
            epoch: that it is of.
            make: function without arguments to the arrays to keep, a list.
        """
        before = self.quality.get(candidate)
        if before is None or tuple(quality) > tuple(before):
            self.quality[candidate] = tuple(quality)
            self.epoch[candidate] = epoch
            self.kept[candidate] = make()

    def winner(self):
        """The candidate of highest accuracy; of equal ones, lower error."""
        return max(self.quality, key=lambda name: self.quality[name])

    def last_gain(self):
        """The epoch that the winner is of.

        Where nothing beats the given labels yet, that of the last gain of any:
        they may still.
        """
        winner = self.winner()
        if winner == "given":
            return max(self.epoch.values())
        return self.epoch[winner]

    def state(self):
        """As a dict that JSON can hold, and a dict of arrays."""
        told = {
            "quality": self.quality,
            "epoch": self.epoch,
            "kept": {name: len(items) for name, items in self.kept.items()},
        }
        arrays = {
            f"{name}_{number}": item
            for name, items in self.kept.items()
            for number, item in enumerate(items)
        }
        return told, arrays

    def restore(self, told, arrays):
        """The reverse of `state`."""
        self.quality = {k: tuple(v) for k, v in told["quality"].items()}
        self.epoch = dict(told["epoch"])
        self.kept = {
            name: [arrays[f"{name}_{number}"] for number in range(count)]
            for name, count in told["kept"].items()
        }
