"""Choice of purified labels by their accuracy on held-out trusted samples.

Some trusted samples are held out of the purification. The predictions of linear
classifiers for them are compared with their labels.

The label table has no rows for held-out samples, so its own accuracy is
measured on *followers*: copies of a held-out sample whose initial labels are
drawn from the estimated noise (see `noise`). They are corrected as any row of
the table, but enter neither the regression nor the training of the auxiliary
classifier. The accuracy of their final labels estimates that of the table.

Holding out samples is our addition: the released code reports the highest
accuracy on test samples.
"""

import numpy as np

from noisy_keras.data.selection import partition
from noisy_keras.utils.errors import ConfigurationError

#: Where purified labels can come from: the unchanged given labels, the label
#: table, the predictions of the closed-form classifier, or those of the
#: auxiliary classifier.
CANDIDATES = ("given", "labels", "response", "classifier")


def hold_out(labels, share, seed):
    """Splits trusted samples into a training and a held-out part.

    Classes are held out in proportion to their frequency. At least one sample
    of each class remains for training.

    Args:
        labels: int `[V]`, labels of the trusted samples.
        share: float in [0, 1), share of the samples to hold out.
        seed: int, seed of the random choice.

    Returns:
        Two int arrays: positions of the samples for training, and of the
        held-out ones.

    Raises:
        ValueError: If `share` is positive, but no class has a sample to spare.
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
    """Accuracy and negative Brier score of predictions.

    Args:
        probabilities: float `[n, K]`, class probabilities.
        labels: int `[n]`, right labels.

    Returns:
        Two floats: the accuracy in [0, 1], and the negative Brier score in
        [-2, 0], by which ties are broken.
    """
    right = np.mean(probabilities.argmax(axis=1) == labels)
    targets = np.eye(probabilities.shape[1])[labels]
    error = np.mean(np.sum(np.square(probabilities - targets), axis=1))
    return float(right), -float(error)


class Best:
    """The best state of each candidate so far.

    Attributes:
        quality: dict from candidates to pairs of floats, as returned by
            `quality`.
        epoch: dict from candidates to int, the epoch of the best state, counted
            from 0; -1 for the initial state.
        kept: dict from candidates to lists of arrays, the best states.
    """

    def __init__(self):
        self.quality, self.epoch, self.kept = {}, {}, {}

    def offer(self, candidate, quality, epoch, make):
        """Keeps the state of a candidate if it is better than the kept one.

        Args:
            candidate: str, one of `CANDIDATES`.
            quality: pair of floats, as returned by `quality`.
            epoch: int, epoch of this state, counted from 0.
            make: function without arguments that returns the state, a list of
                arrays. It is called only if the state is kept.
        """
        before = self.quality.get(candidate)
        if before is None or tuple(quality) > tuple(before):
            self.quality[candidate] = tuple(quality)
            self.epoch[candidate] = epoch
            self.kept[candidate] = make()

    def winner(self):
        """The candidate of highest accuracy; ties go to the lower error."""
        return max(self.quality, key=lambda name: self.quality[name])

    def last_gain(self):
        """The epoch in which the winner last improved.

        If no candidate beats the given labels yet, this is the last epoch in
        which any candidate improved, since one that still improves may beat
        them later.
        """
        winner = self.winner()
        if winner == "given":
            return max(self.epoch.values())
        return self.epoch[winner]

    def state(self):
        """The state: a dict that JSON can hold, and a dict of arrays."""
        record = {
            "quality": self.quality,
            "epoch": self.epoch,
            "kept": {name: len(items) for name, items in self.kept.items()},
        }
        arrays = {
            f"{name}_{number}": item
            for name, items in self.kept.items()
            for number, item in enumerate(items)
        }
        return record, arrays

    def restore(self, facts, arrays):
        """Restores what `state` returned.

        Args:
            facts: dict, the first result of `state`.
            arrays: dict of arrays, the second result of `state`.
        """
        self.quality = {k: tuple(v) for k, v in facts["quality"].items()}
        self.epoch = dict(facts["epoch"])
        self.kept = {
            name: [arrays[f"{name}_{number}"] for number in range(count)]
            for name, count in facts["kept"].items()
        }
