"""How good purified labels are, measured on held-out samples.

Some of the trusted samples are not used by the purification. Predictions of
linear classifiers for them are compared with their labels. The label table has
no row for them, so it gets *followers*: copies of held-out samples that start
from labels with simulated noise (see `noise`) and change like rows of the
table, but enter neither the regression nor the classifier. Their accuracy is an
estimate of that of the table.
"""

import numpy as np

from noisy_keras.data.selection import partition
from noisy_keras.utils.errors import ConfigurationError

#: Where purified labels can be taken from: the given labels, the label table,
#: the response of the closed-form classifier, the auxiliary classifier.
CANDIDATES = ("given", "labels", "response", "classifier")


def hold_out(labels, share, seed):
    """Splits trusted samples, each class in proportion.

    At least one sample of each class is not held out.

    Args:
        labels: int `[V]`, labels of the trusted samples.
        share: float in [0, 1), share to be held out.
        seed: int, seed of the choice.

    Returns:
        Two int arrays, positions of the samples to learn from and of those held
        out.

    Raises:
        ConfigurationError: no sample can be held out.
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
            "Expected more trusted samples than one of each class, so that "
            f"some can be held out. Received: {len(labels)} samples of "
            f"{len(np.unique(labels))} classes; give at least two of each, or, "
            'in Python, `LabelPurifier(held_out=0, export="response")`'
        )
    return np.setdiff1d(np.arange(len(labels)), held), held


def quality(probabilities, labels):
    """The quality of predictions.

    Args:
        probabilities: float `[n, K]`, distributions.
        labels: int `[n]`.

    Returns:
        Two floats: the accuracy in [0, 1], and the negative Brier score, which
        breaks ties.
    """
    right = np.mean(probabilities.argmax(axis=1) == labels)
    targets = np.eye(probabilities.shape[1])[labels]
    error = np.mean(np.sum(np.square(probabilities - targets), axis=1))
    return float(right), -float(error)


class Best:
    """The best state of each candidate so far.

    Attributes:
        quality: dict from candidates to pairs, see `quality`.
        epoch: dict from candidates to epochs; -1 for the start.
        kept: dict from candidates to lists of arrays.
    """

    def __init__(self):
        self.quality, self.epoch, self.kept = {}, {}, {}

    def offer(self, candidate, quality, epoch, make):
        """Keeps a candidate if it is better than it was.

        Args:
            candidate: str, one of `CANDIDATES`.
            quality: pair of floats, see `quality`.
            epoch: int, number of the epoch.
            make: function without arguments to the list of arrays to keep.
        """
        before = self.quality.get(candidate)
        if before is None or tuple(quality) > tuple(before):
            self.quality[candidate] = tuple(quality)
            self.epoch[candidate] = epoch
            self.kept[candidate] = make()

    def winner(self):
        """The candidate of highest accuracy, then of lowest error."""
        return max(self.quality, key=lambda name: self.quality[name])

    def last_gain(self):
        """The epoch of the winner.

        As long as the given labels are best, it is the epoch in which any
        candidate improved last, as it may still become better than them.
        """
        winner = self.winner()
        if winner == "given":
            return max(self.epoch.values())
        return self.epoch[winner]

    def state(self):
        """The state: a dict that JSON can hold, and a dict of arrays."""
        facts = {
            "quality": self.quality,
            "epoch": self.epoch,
            "kept": {name: len(items) for name, items in self.kept.items()},
        }
        arrays = {
            f"{name}_{number}": item
            for name, items in self.kept.items()
            for number, item in enumerate(items)
        }
        return facts, arrays

    def restore(self, facts, arrays):
        """The reverse of `state`."""
        self.quality = {k: tuple(v) for k, v in facts["quality"].items()}
        self.epoch = dict(facts["epoch"])
        self.kept = {
            name: [arrays[f"{name}_{number}"] for number in range(count)]
            for name, count in facts["kept"].items()
        }
