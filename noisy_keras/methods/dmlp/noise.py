"""Noise of the given labels, estimated with a few trusted ones.

This is our addition to the method.
"""

import functools

import numpy as np

from noisy_keras.data.estimate import NoiseEstimate
from noisy_keras.ops import ridge

#: Number of followers of each held-out sample, see `choice`.
FOLLOWERS = 10
_ROUNDS = 200
# Relative ridge of the halves of a single batch, if the purification has none.
_SOME_RIDGE = 1e-3


def given_noise(features, layout, start, trusted, labels):
    """Estimates the noise of the given labels.

    Each batch is predicted by the closed-form classifier of another batch. If
    there is only one batch, each half is predicted by that of the other half.

    Args:
        features: `FixedFeatures` of the training samples.
        layout: `Layout` of these features.
        start: float `[N, K]`, the given labels as distributions.
        trusted: float `[V, D]`, features of the trusted samples.
        labels: int `[V]`, labels of the trusted samples.

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
    """Functions that return features, labels and classifier of each part."""

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
    """Estimates noise by a classifier whose confusion matrix is known.

    The errors of the classifier and those of the labels are assumed to be
    independent given the true class. The predictions for samples with the same
    given label are then a mixture of the predictions for each true class.
    Expectation maximisation finds the weights of this mixture.

    Args:
        joint: float `[K, K]`, number of training samples by given label (row)
            and predicted class (column), by a classifier that was not trained
            on them.
        confusion: float `[K, K]`, number of trusted samples by true label (row)
            and predicted class (column).

    Returns:
        A `NoiseEstimate`.
    """
    num_classes = len(joint)
    joint = np.asarray(joint, np.float64)
    joint = joint / joint.sum()
    # Smoothing: a confusion that was not observed may still occur.
    confusion = np.asarray(confusion, np.float64) + 1.0 / num_classes
    confusion /= confusion.sum(axis=1, keepdims=True)
    # Joint distribution of given (row) and true label (column). Initially, at
    # least half of the labels are right.
    share = np.maximum(joint.sum(axis=1), 1e-12)
    found = 0.5 * np.diag(share) + 0.5 * share[:, None] / num_classes
    for _ in range(_ROUNDS):
        expected = np.maximum(found @ confusion, 1e-300)
        found = found * ((joint / expected) @ confusion.T)
        # The class frequencies are the least certain part of the estimate, so
        # they are averaged with those of the given labels.
        frequent = np.maximum(found.sum(axis=0), 1e-300)
        found = found * (0.5 + 0.5 * share / frequent)
        found *= (share / np.maximum(found.sum(axis=1), 1e-300))[:, None]
    return NoiseEstimate.of_joint(found / found.sum())


def noisy_labels(labels, transition, seed):
    """Draws noisy labels, `FOLLOWERS` for each sample.

    Args:
        labels: int `[H]`, right labels.
        transition: float `[K, K]`, probabilities of the noisy label (column)
            given the right one (row).
        seed: int, seed of the draws.

    Returns:
        int `[FOLLOWERS * H]`; the labels of one sample are adjacent.
    """
    cumulative = np.cumsum(transition, axis=1)[labels]
    random = np.random.RandomState(seed)
    # Evenly spaced quantiles, which vary less than independent draws.
    offset = random.uniform(size=(len(labels), 1))
    place = (np.arange(FOLLOWERS) + offset) / FOLLOWERS
    drawn = (place[:, :, None] > cumulative[:, None, :]).sum(axis=2)
    return np.minimum(drawn, len(transition) - 1).ravel()
