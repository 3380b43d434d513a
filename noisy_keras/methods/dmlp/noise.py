"""How wrong the given labels are, told by a few trusted ones."""

import functools

import numpy as np

from noisy_keras.data.estimate import NoiseEstimate
from noisy_keras.ops import ridge

#: Followers of each held-out sample, see `choice`.
FOLLOWERS = 10
_ROUNDS = 200
# Where the purification has none.
_SOME_RIDGE = 1e-3


def given_noise(features, layout, start, trusted, labels):
    """Estimates the noise of given labels.

    Each batch is predicted by the closed-form classifier that another batch
    trains; of a single one, each half by the other's.

    Args:
        features: `FixedFeatures`.
        layout: its `Layout`.
        start: given labels, as distributions, `[N, K]`.
        trusted: features of trusted samples, `[V, D]`.
        labels: theirs, int `[V]`.

    Returns:
        A `NoiseEstimate`.
    """
    num_classes = start.shape[1]
    joint, confusion = np.zeros((2, num_classes, num_classes))
    parts = _parts(features, layout, start)
    for part, other in zip(parts, parts[1:] + parts[:1], strict=True):
        rows, given = part()[:2]
        weights = other()[2]
        np.add.at(joint, (given, (rows @ weights).argmax(axis=1)), 1.0)
        found = (trusted @ weights).argmax(axis=1)
        np.add.at(confusion, (labels, found), 1.0)
    return estimate_noise(joint, confusion)


def _parts(features, layout, start):
    """Functions to features, given labels and classifier of each part."""

    def part(k, chosen):
        counted = np.flatnonzero(features.weights[k].numpy())[chosen]
        rows = features.batch(k).numpy()[counted]
        targets = start[layout.samples[k][counted]]
        if chosen == slice(None):
            factor = features.whitening[k].numpy()
            weights = factor.T @ (factor @ (rows.T @ targets))
        else:
            weight = max(features.ridge, _SOME_RIDGE)
            weights = ridge.solve(rows, targets, weight).numpy()
        return rows, targets.argmax(axis=1), weights

    if len(features) == 1:
        halves = slice(0, None, 2), slice(1, None, 2)
        return [functools.partial(part, 0, half) for half in halves]
    return [
        functools.partial(part, k, slice(None)) for k in range(len(features))
    ]


def estimate_noise(joint, confusion):
    """Noise from a classifier whose mistakes are known.

    The classifier's mistakes and the labels' are taken to be independent in
    each class. Samples with one given label are then a mixture of the classes'
    predictions, whose shares are found by expectation maximisation.

    Args:
        joint: `[K, K]`, how often samples have a given label (row) and a
            prediction (column) from a classifier that has not seen them.
        confusion: `[K, K]`, likewise by true label (row), on trusted samples.

    Returns:
        A `NoiseEstimate`.
    """
    num_classes = len(joint)
    joint = np.asarray(joint, np.float64)
    joint = joint / joint.sum()
    # A prediction that was never seen of a class may still come.
    confusion = np.asarray(confusion, np.float64) + 1.0 / num_classes
    confusion /= confusion.sum(axis=1, keepdims=True)
    # The joint of given (row) and true label, at first half of it right.
    share = np.maximum(joint.sum(axis=1), 1e-12)
    found = 0.5 * np.diag(share) + 0.5 * share[:, None] / num_classes
    for _ in range(_ROUNDS):
        expected = np.maximum(found @ confusion, 1e-300)
        found = found * ((joint / expected) @ confusion.T)
        # How frequent the classes are is told least of all: half of it is
        # taken from the given labels.
        frequent = np.maximum(found.sum(axis=0), 1e-300)
        found = found * (0.5 + 0.5 * share / frequent)
        found *= (share / np.maximum(found.sum(axis=1), 1e-300))[:, None]
    return NoiseEstimate.of_joint(found / found.sum())


def noisy_labels(labels, transition, seed):
    """Labels that noise gives to some samples, `FOLLOWERS` for each.

    Args:
        labels: int `[H]`, the right ones.
        transition: `[K, K]`, rows summing to 1.
        seed: of the draws.

    Returns:
        int `[FOLLOWERS * H]`, those of a sample together.
    """
    cumulative = np.cumsum(transition, axis=1)[labels]
    random = np.random.RandomState(seed)
    # Evenly spaced quantiles, which vary less than independent draws.
    offset = random.uniform(size=(len(labels), 1))
    place = (np.arange(FOLLOWERS) + offset) / FOLLOWERS
    drawn = (place[:, :, None] > cumulative[:, None, :]).sum(axis=2)
    return np.minimum(drawn, len(transition) - 1).ravel()
