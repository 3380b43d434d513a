"""Judging labels by features alone, within minutes and without a training run.

The steps, for given labels g and predictions p for each sample that were made
without its own label (see `labels/evidence.py`):

1. *Transition.* A sample counts as one of class y if y is the likeliest of the
   classes whose probability is at least the mean over the samples labelled y,
   or 0.6.
   These counts by true and given class, in proportion to the given labels, give
   the transition `T[y, g]` (confident learning).
2. *Sharpening.* p was learnt from noisy labels, so that it is unsure where the
   labels around are mixed. It is raised to the power of the greatest likelihood
   of the given labels, `sum_y q(y) T[y, g]`.
3. *Posterior.* `P(true = y | features, g)` is proportional to `q(y) T[y, g]`.
4. *Once more.* The posteriors of the other samples take the place of their
   labels, and steps 2 and 3 are repeated.

What predicts best is not known before. Several kinds of neighbours and a linear
classifier, on each kind of features, are compared by the likelihood of step 2
on the given labels. The best one is taken; another joins it, in the geometric
mean, as long as the likelihood rises.

Two rounds were the best number on digits and photographs: further ones smooth
rare kinds of a class away. A transition of the second round agrees with the
first too much: on photographs with much noise added to their features and 40 %
of the labels wrong, F1 was 0.78 with it and 0.85 without; expected counts in
place of those of step 1 fade where noise depends on the image.

Source of step 1: Northcutt et al., Confident Learning, JAIR 2021; the rest is
our own. `benchmarks/audit_at_once.py` compares it with the truth.
"""

import collections.abc
import dataclasses

import numpy as np

from noisy_keras.labels import evidence
from noisy_keras.labels import held_out
from noisy_keras.ops import neighbors as ops
from noisy_keras.utils.errors import ConfigurationError

_ROUNDS = 2
# Samples on which kinds of evidence are compared.
_COMPARED_ON = 10_000
# By how much the mean log-likelihood must rise for another kind to join.
_LEAST_GAIN = 1e-3
_POWERS = np.exp(np.linspace(np.log(0.25), np.log(16.0), 25))
# What was not seen is not impossible: this part of all samples is spread evenly
# over the transition, and so many samples over the true classes of each given
# one. Of a hundred samples there may be one mistake of a kind, or none.
_SPREAD, _UNSEEN = 1e-3, 0.5
# A higher probability counts, whatever the mean: where all are near one, half
# of the samples are below their mean.
_CONFIDENT = 0.6
_TINY = 1e-12
# At most so many numbers are in one temporary array.
_CHUNK = 20_000


@dataclasses.dataclass(frozen=True, eq=False)
class OutOfFoldJudgement:
    """What features say about given labels.

    Attributes:
        clean_probability: float32 `[N]` in `[0, 1]`, probability that the given
            label is right.
        suggested: int32 `[N]`, the likeliest classes.
        confidence: float32 `[N]` in `[0, 1]`, their probabilities.
        transition: float64 `[K, K]`, probability of each given label (column)
            by true label (row).
        evidence: tuple of str, what was chosen to predict the labels.
    """

    clean_probability: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    transition: np.ndarray
    evidence: tuple[str, ...]

    @property
    def rate(self) -> float:
        """The expected share of wrong labels, in `[0, 1]`.

        Where classes overlap in the features, mistakes of the classifiers are
        among them.
        """
        return float(1.0 - self.clean_probability.mean())


def judge(
    features: collections.abc.Mapping[str, evidence.Reader],
    labels: np.ndarray,
    num_classes: int,
) -> OutOfFoldJudgement:
    """Judges given labels by features of their samples.

    Memory is that of some arrays `[N, K]` of float32, and of the weights of
    up to 50 neighbours of each sample.

    Args:
        features: functions by name, which read one kind of features each: of
            indices int `[n]` to float `[n, D]`.
        labels: int `[N]`, the given labels in `[0, K)`, with N >= 4.
        num_classes: int, number of classes K, at least 2.

    Returns:
        `OutOfFoldJudgement`. Where features predict labels no better than
        chance, all have a clean probability of a half.

    Raises:
        ConfigurationError: fewer than four samples or two classes with labels.

    Example:
        >>> random = np.random.default_rng(0)
        >>> true = np.repeat([0, 1], 50)
        >>> features = np.eye(2)[true] + random.normal(0.0, 0.1, (100, 2))
        >>> given = true.copy()
        >>> given[:5] = 1
        >>> found = judge({"own": lambda i: features[i]}, given, 2)
        >>> np.flatnonzero(found.clean_probability < 0.5)
        array([0, 1, 2, 3, 4])
    """
    labels = np.asarray(labels, np.int64)
    if not can_judge(labels):
        raise ConfigurationError(
            "Expected at least four samples, with labels of at least two "
            f"classes. Received: {len(labels)} samples, "
            f"{len(np.unique(labels))} classes"
        )
    some = ops.spread(len(labels), _COMPARED_ON)
    whole = len(some) == len(labels)
    kinds = _kinds(_narrowed(features, some), len(some), num_classes)
    chosen = _best(kinds, labels[some], num_classes)
    if not whole:
        kinds = _kinds(features, len(labels), num_classes, chosen)
    parts = [kinds[name] for name in chosen]
    targets = np.eye(num_classes, dtype=np.float32)[labels]
    for number in range(_ROUNDS):
        predicted = evidence.pooled([part.predict(targets) for part in parts])
        if number == 0 and held_out.is_guessing(
            predicted.argmax(axis=1), labels
        ):
            return _nothing_known(labels, num_classes, chosen)
        if number == 0:
            transition = transition_of(predicted, labels)
        power, _ = _sharpened(predicted, labels, transition)
        targets = _posterior(predicted, labels, transition, power)
    return OutOfFoldJudgement(
        targets[np.arange(len(labels)), labels],
        targets.argmax(axis=1).astype(np.int32),
        targets.max(axis=1),
        transition,
        tuple(chosen),
    )


def can_judge(labels: np.ndarray) -> bool:
    """Whether there are enough labels: four, of two classes.

    Args:
        labels: int `[N]`.

    Returns:
        bool.
    """
    return len(labels) >= 4 and len(np.unique(labels)) >= 2


def transition_of(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The transition from true to given labels, by confident samples.

    Args:
        predicted: float `[N, K]`, probabilities predicted without the sample's
            own label.
        labels: int `[N]`, the given labels.

    Returns:
        float64 `[K, K]`, probability of each given label (column) by true label
        (row).

    Example:
        >>> predicted = np.repeat([[0.9, 0.1], [0.2, 0.8]], 10, axis=0)
        >>> labels = np.array([0] * 8 + [1] * 12)
        >>> transition_of(predicted, labels).round(2)
        array([[0.79, 0.21],
               [0.02, 0.98]])
    """
    labels = np.asarray(labels)
    count, classes = predicted.shape
    sizes = np.bincount(labels, minlength=classes)
    own = predicted[np.arange(count), labels]
    least = np.bincount(labels, own, minlength=classes)
    # A class without labels has no samples that could be confident.
    least = np.minimum(least / np.maximum(sizes, 1), _CONFIDENT)
    least = np.where(sizes > 0, least, 2.0)
    counts = np.zeros((classes, classes))
    for first in range(0, count, _CHUNK):
        here = slice(first, first + _CHUNK)
        above = np.where(predicted[here] >= least, predicted[here], -1.0)
        rows = np.flatnonzero(above.max(axis=1) >= 0.0)
        np.add.at(counts, (above[rows].argmax(axis=1), labels[here][rows]), 1.0)
    counts *= sizes / np.maximum(counts.sum(axis=0), 1.0)
    counts += _SPREAD * count / classes**2 + _UNSEEN / classes
    return counts / counts.sum(axis=1, keepdims=True)


def _kinds(features, count, num_classes, names=None):
    """Evidence by its name in words; all kinds, or those of some names."""
    found: dict[str, evidence.Evidence] = {}
    for name, read in features.items():
        for scale in evidence.SCALES:
            label = f"neighbours by {scale} {name}"
            few = f"nearest {label}"
            if names is not None and not {label, few} & set(names):
                continue
            neighbors = evidence.Neighbors(read, count, num_classes, scale)
            found[label] = neighbors
            if neighbors.neighbors >= 12:
                found[few] = neighbors.nearest(neighbors.neighbors // 4)
        label = f"linear classifier on {name}"
        wanted = names is None or label in names
        if wanted and evidence.Linear.suits(read):
            found[label] = evidence.Linear(read, count)
    return found


def _best(kinds, labels, num_classes):
    """Names of the kinds of evidence that predict the labels best together."""
    targets = np.eye(num_classes, dtype=np.float32)[labels]
    predictions = {name: k.predict(targets) for name, k in kinds.items()}

    def likelihood(names):
        found = evidence.pooled([predictions[name] for name in names])
        return _sharpened(found, labels, transition_of(found, labels))[1]

    chosen: list[str] = []
    best = -np.inf
    while len(chosen) < len(predictions):
        values = {
            name: likelihood([*chosen, name])
            for name in predictions
            if name not in chosen
        }
        name = max(values, key=values.__getitem__)
        if values[name] < best + _LEAST_GAIN:
            break
        best = values[name]
        chosen.append(name)
    return chosen


def _sharpened(predicted, labels, transition):
    """The likeliest power, and the mean log-likelihood of the labels by it."""
    some = ops.spread(len(labels), _COMPARED_ON)
    logs = np.log(np.maximum(predicted[some], 1e-6))
    given = transition.T[labels[some]]
    best = (1.0, -np.inf)
    for power in _POWERS:
        sharp = evidence.softmax(logs * power)
        likelihood = np.maximum((sharp * given).sum(axis=1), _TINY)
        value = float(np.log(likelihood).mean())
        if value > best[1]:
            best = (float(power), value)
    return best


def _posterior(predicted, labels, transition, power):
    found = np.empty(predicted.shape, np.float32)
    for first in range(0, len(labels), _CHUNK):
        here = slice(first, first + _CHUNK)
        sharp = evidence.softmax(
            np.log(np.maximum(predicted[here], 1e-6)) * power
        )
        sharp *= transition.T[labels[here]]
        found[here] = sharp / np.maximum(
            sharp.sum(axis=1, keepdims=True), _TINY
        )
    return found


def _nothing_known(labels, num_classes, chosen):
    half = np.full(len(labels), 0.5, np.float32)
    return OutOfFoldJudgement(
        half, labels.astype(np.int32), half, np.eye(num_classes), tuple(chosen)
    )


def _narrowed(features, index):
    return {
        name: lambda rows, read=read: read(index[rows])
        for name, read in features.items()
    }
