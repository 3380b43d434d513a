"""The noise of a data set, estimated from predictions of many epochs.

Most of what a `PredictionHistory` sums up was predicted before the network had
memorised the label of the sample, so it is close to what a network would
predict that never saw that label. Of such predictions,

1. the *contradicted* share is that of the labels beside which another class is
   likelier, both as predicted and relative to the mean confidence in each class
   (`PredictionHistory.margin`). It is the noise rate where a network predicts
   right labels well, and contains the network's own errors where it does not;
2. the *random* share is that of the labels which predictions reject as they
   reject labels drawn at random. Where the margins of drawn labels are below a
   bound in a share q, those of given labels are in at least q times the rate of
   random noise; right labels of hard images seldom are, and confusions of
   similar classes are not. So it is a lower bound of the rate, whatever the
   network's accuracy: on 5,000 images of CIFAR-10, after ten epochs that leave
   a network wrong on half of other images, 0.5 % without noise and 51 % with
   50 % symmetric noise (one seed).

A network that goes on to memorise labels rejects fewer of them. That is why the
random share is also noted while it learns: `note_progress`. What counts is the
share at the first epoch in which most of what is known now was known.

What lies between is noise in so far as predictions are *sharp*: two classes get
nearly all of what remains when what all classes get alike is taken away. Then
the network knows the classes, and a label that is contradicted is wrong. The
data alone cannot tell confusions of similar classes from classes that are hard
to tell apart; the interval says so.

Images of no class contradict nothing: predictions reject their label, but for
none in particular. They are counted apart, by `out_of_distribution`.

The rules are our own, chosen on the digits and 5,000 images of CIFAR-10;
`benchmarks/robustness.py` compares them with the truth.
"""

import dataclasses

import numpy as np

from noisy_keras.data import estimate
from noisy_keras.labels import out_of_distribution
from noisy_keras.tables.prediction_history import LikelyHistory
from noisy_keras.tables.prediction_history import PredictionHistory

# Above so many classes the joint distribution would need gigabytes.
_MOST_CLASSES = 4096
# The shares q of drawn labels by which bounds of margins are set, and about how
# many labels are drawn.
_SHARES, _DRAWN = (0.2, 0.3, 0.4), 20_000
# By what factor agreement with the labels grows between two notes, and the part
# of the agreement now that counts as most of it. On the digits, 66 epochs with
# 50 % symmetric noise leave 23 % that look random, but the note says 47 %.
_FURTHER, _MOST = 1.1, 0.5
# Nothing is noted before labels are agreed with more often than by chance.
_LEAST_AGREEMENT = 0.02
# The least share of credible labels: others are compared with them.
_LEAST_CREDIBLE = 0.5
# Fewer images of no class are not counted: without any, twenty epochs on the
# digits and on MNIST leave 3 % that seem to be.
_LEAST_FOREIGN = 0.04
# Predictions are sharp from the second of these values on, not at all below the
# first.
_SHARPNESS = (0.76, 0.82)
# The part of contradicted labels that counts as wrong where they are not sharp.
_UNSHARP = 0.4
# The margin from which on a label is credible when images of no class are
# counted.
_CREDIBLE = np.log(2.5)


@dataclasses.dataclass(frozen=True)
class RateEstimate:
    """An estimate of the share of wrong labels.

    Attributes:
        rate: float in `[0, 1]`, the estimate.
        low: float in `[0, 1]`, what it is at least.
        high: float in `[0, 1]`, what it is at most.
        certain: float in `[low, rate]`, what training can rely on: the random
            share, and of what lies above it as much as predictions are sharp.
        random: float in `[0, 1]`, the random share.
        contradicted: float in `[0, 1]`, the contradicted share.
        foreign: float in `[0, 1]`, the share of images that seem to belong to
            no class; it is a part of `rate` and of `high`.
        accuracy: float in `[0, 1]`, the share of predictions that are right at
            least, by how many are the given label and by `low`.
    """

    rate: float
    low: float
    high: float
    certain: float
    random: float
    contradicted: float
    foreign: float
    accuracy: float


def estimate_rate(
    history: PredictionHistory | LikelyHistory,
    labels: np.ndarray,
    num_classes: int,
) -> RateEstimate:
    """Estimates the share of wrong labels.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples, some of
            which have predictions.
        labels: int `[N]`, the given labels.
        num_classes: int, number of classes K.

    Returns:
        A `RateEstimate`; all zeros, and `high` 1, without predictions.
    """
    labels, seen = np.asarray(labels), history.seen()
    count = int(seen.sum())
    if count == 0:
        return RateEstimate(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    contradicts = float(contradicted(history, labels).sum() / count)
    best, _ = history.best()
    agreement = float(np.mean((best == labels)[seen]))
    random = max(
        random_share(history, labels, num_classes),
        _early_random_share(history, _above_chance(history, labels)),
    )
    random = min(random, contradicts)
    first, second = _SHARPNESS
    sharp = (sharpness(history, num_classes) - first) / (second - first)
    sharp = float(np.clip(sharp, 0.0, 1.0))
    between = contradicts - random
    low, _ = estimate.rate_interval(random, count)
    foreign = foreign_share(history, labels)
    _, high = estimate.rate_interval(contradicts + foreign, count)
    certain = random + between * sharp
    return RateEstimate(
        rate=random + between * max(sharp, _UNSHARP) + foreign,
        low=low,
        high=high,
        certain=certain,
        random=random,
        contradicted=contradicts,
        foreign=foreign,
        # At high rates a small error of the rate would make a large one here.
        accuracy=_true_accuracy(agreement, low, num_classes),
    )


def _true_accuracy(agreement, rate, num_classes):
    """The accuracy A of which `A (1 - r) + (1 - A) r / (K - 1)` is observed."""
    by_chance = rate / max(num_classes - 1, 1)
    informative = 1.0 - rate - by_chance
    if informative <= 0.0:
        return 0.0
    return float(np.clip((agreement - by_chance) / informative, 0.0, 1.0))


def contradicted(
    history: PredictionHistory | LikelyHistory, labels: np.ndarray
) -> np.ndarray:
    """Whether another class than that of the given label is likelier.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples.
        labels: int `[N]`, the given labels.

    Returns:
        bool `[N]`; False where there is no prediction.
    """
    best, _ = history.best()
    margin = history.margin(labels)
    return history.seen() & (best != np.asarray(labels)) & (margin < 0.0)


def random_share(
    history: PredictionHistory | LikelyHistory,
    labels: np.ndarray,
    num_classes: int,
) -> float:
    """The share of labels that are as good as drawn at random.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples.
        labels: int `[N]`, the given labels.
        num_classes: int, number of classes K.

    Returns:
        float in `[0, 1]`.
    """
    labels, seen = np.asarray(labels), history.seen()
    given = history.margin(labels)[seen]
    random = np.random.RandomState(0)
    drawn = []
    for _ in range(max(1, min(20, _DRAWN // max(len(given), 1)))):
        others = random.randint(1, num_classes, len(labels))
        others = (labels + others) % num_classes
        drawn.append(history.margin(labels, others)[seen])
    bounds = np.quantile(np.concatenate(drawn), _SHARES)
    shares = [
        np.mean(given <= bound) / share
        for bound, share in zip(bounds, _SHARES, strict=True)
    ]
    return float(min(*shares, 1.0))


def foreign_share(
    history: PredictionHistory | LikelyHistory, labels: np.ndarray
) -> float:
    """The share of images that seem to belong to no class.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples.
        labels: int `[N]`, the given labels.

    Returns:
        float in `[0, 1]`, of those that no other class contradicts; 0 where
        predictions are not stable, see `out_of_distribution`, where fewer than
        half of the labels are credible, and below 4 %.
    """
    labels, seen = np.asarray(labels), history.seen()
    _, stability = history.best()
    if np.median(stability[seen]) < out_of_distribution.STABLE:
        return 0.0
    credible = history.margin(labels) >= _CREDIBLE
    if np.mean(credible[seen]) < _LEAST_CREDIBLE:
        return 0.0
    found = out_of_distribution.unstable_predictions(
        history, labels, credible.astype(np.float32)
    )
    share = float(np.mean((found & ~contradicted(history, labels))[seen]))
    return share if share >= _LEAST_FOREIGN else 0.0


def note_progress(
    history: PredictionHistory | LikelyHistory,
    labels: np.ndarray,
    num_classes: int,
) -> None:
    """Notes the random share, if predictions have come far since the last note.

    Called at the end of an epoch. Rows of `history.progress` are how far the
    likeliest classes agree with the labels beyond chance (Cohen's kappa), and
    the random share.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples; nothing is
            noted before it has all of them.
        labels: int `[N]`, the given labels.
        num_classes: int, number of classes K.
    """
    if not history.seen().all():
        return
    labels = np.asarray(labels)
    agreement, before = _above_chance(history, labels), history.progress
    least = _FURTHER * before[-1, 0] if len(before) else _LEAST_AGREEMENT
    if agreement <= least:
        return
    share = random_share(history, labels, num_classes)
    note = np.array([[agreement, share]], np.float32)
    history.progress = np.concatenate([before, note])


def _above_chance(history, labels):
    """Cohen's kappa of the likeliest classes and the labels."""
    seen = history.seen()
    best, labels = history.best()[0][seen], labels[seen]
    count = int(max(best.max(), labels.max())) + 1
    shares = [
        np.bincount(classes, minlength=count) / len(labels)
        for classes in (best, labels)
    ]
    chance = float(np.dot(*shares))
    if chance >= 1.0:
        return 0.0
    return float((np.mean(best == labels) - chance) / (1.0 - chance))


def _early_random_share(history, agreement):
    """The random share when most of what is known now was known, or 0."""
    known = history.progress
    enough = np.flatnonzero(known[:, 0] >= _MOST * agreement)
    return float(known[enough[0], 1]) if len(enough) else 0.0


def sharpness(
    history: PredictionHistory | LikelyHistory, num_classes: int
) -> float:
    """How much of what predictions tell classes apart two classes get.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples.
        num_classes: int, number of classes K.

    Returns:
        float in `[0, 1]`, mean over the samples; for two classes, by how much
        one of them is likelier.
    """
    mean, _ = history.likely()
    ordered = -np.sort(-mean[history.seen()], axis=1)
    if num_classes <= 2:
        # There is no third class: by how much one of both is likelier.
        return float(np.mean(ordered[:, 0] - ordered[:, 1]))
    kept = ordered.shape[1]
    if kept == num_classes:
        # What the less likely half of the classes get, all classes get.
        floor = ordered[:, kept - kept // 2 :].mean(axis=1)
    else:
        rest = np.maximum(1.0 - ordered.sum(axis=1), 0.0)
        floor = rest / (num_classes - kept)
    above = np.maximum(ordered - floor[:, None], 0.0)
    total = np.maximum(above.sum(axis=1), 1e-9)
    return float(np.mean(above[:, :2].sum(axis=1) / total))


def estimate_from_history(
    history: PredictionHistory | LikelyHistory,
    labels: np.ndarray,
    num_classes: int,
) -> estimate.NoiseEstimate | None:
    """Noise rate, its interval, and which classes are confused.

    Args:
        history: `PredictionHistory` or `LikelyHistory` of N samples.
        labels: int `[N]`, the given labels.
        num_classes: int, number of classes K.

    Returns:
        A `NoiseEstimate`, whose `joint` is the confident joint, or None where
        no sample has a prediction, or there are too many classes for a joint.
    """
    seen = history.seen()
    if not seen.any() or num_classes > _MOST_CLASSES:
        return None
    labels = np.asarray(labels)
    mean, classes = history.likely()
    if classes.ndim > 1:
        classes = classes[seen]
    joint = estimate.confident_joint(
        labels[seen], mean[seen], classes, num_classes
    )
    found = estimate_rate(history, labels, num_classes)
    return dataclasses.replace(
        estimate.NoiseEstimate.of_joint(joint),
        rate=found.rate,
        interval=(found.low, found.high),
    )
