"""Linear probes: how good the features of a network are at each depth.

Networks that have memorised noisy labels still have good features in their
first layers; the degradation is concentrated in the last ones.

Reference: Alain and Bengio, Understanding intermediate layers using linear
classifier probes, 2016; Ortego et al. (DRPL), ICPR 2020, on label noise.
"""

import dataclasses
import warnings

import numpy as np
import tensorflow as tf

from noisy_keras.analysis import depths
from noisy_keras.data import batches
from noisy_keras.utils.errors import ConfigurationError

# Inference keeps no gradients, so it affords larger batches than training.
_BATCH_SIZE = 250
_ITERATIONS = 300
# With fewer true labels per class, a probe learns more from many given labels.
_LEAST_TRUE = 10


@dataclasses.dataclass(frozen=True)
class Probe:
    """A linear classifier on the features at one depth.

    Attributes:
        network: int, number of the network, from 0.
        depth: str, name of the place: see `Depth`.
        layer: str, name of the Keras layer whose output is probed.
        shape: tuple of int, shape of that output without the batch.
        accuracy: float in `[0, 1]`, accuracy on the evaluation samples.
        train_accuracy: float in `[0, 1]`, accuracy on the training samples.
        error: float, standard error of `accuracy` due to the number of samples.
        converged: bool, whether the optimisation converged before its last
            iteration.
    """

    network: int
    depth: str
    layer: str
    shape: tuple
    accuracy: float
    train_accuracy: float
    error: float
    converged: bool


@dataclasses.dataclass(frozen=True)
class Probes:
    """All probes of a model, and the data behind them.

    Attributes:
        probes: list of `Probe`, network by network, from the stem to the
            embedding.
        classifier: list of float, accuracy of each network's own classifier.
        labels: str, labels on which the probes are trained: `"true"`, or
            `"given"` for the given labels of samples with a clean probability
            of at least 0.5.
        judged_labels: str, labels on which the probes are evaluated: `"true"`
            or `"given"`.
        train_samples: int, number of training samples.
        judged_samples: int, number of evaluation samples.
    """

    probes: list
    classifier: list
    labels: str
    judged_labels: str
    train_samples: int
    judged_samples: int


def linear_probes(
    model, train, judged, clean_probability=None, samples=5000, most=9, seed=0
):
    """Trains a linear classifier on the features at every depth.

    Features are the standardised means over each feature map. The classifier is
    a logistic regression by scikit-learn. It is trained on true labels if at
    least ten per class are known, else on given labels of likely clean samples.
    Out-of-distribution images are left out.

    Args:
        model: `NoisyLabelModel`, or list of functional `keras.Model`.
        train: `Source` of N samples on which the model was trained.
        judged: `Source` of other samples for the evaluation.
        clean_probability: float array `[N]` in `[0, 1]` of the samples of
            `train`; required where true labels are unknown.
        samples: int, largest number of samples of either source, chosen at
            random.
        most: int, largest number of feature maps per network: see
            `feature_extractor`.
        seed: int, seed of the choice.

    Returns:
        `Probes`.

    Raises:
        ValueError: If there are no labels to train on or a network is not
            functional.
    """
    networks = getattr(model, "networks", model)
    random = np.random.RandomState(seed)
    index, labels, kind = _labels(train, clean_probability)
    chosen = _some(random, len(index), samples)
    index, labels = index[chosen], labels[chosen]
    if len(np.unique(labels)) < 2:
        raise ConfigurationError(
            "Expected labels of at least two classes to train linear probes "
            f"on. Received: {len(labels)} samples of "
            f"{len(np.unique(labels))} classes"
        )
    judged_index, judged_labels, judged_kind = _judged_labels(judged)
    chosen = _some(random, len(judged_index), samples)
    judged_index, judged_labels = judged_index[chosen], judged_labels[chosen]
    probes, own = [], []
    for number, network in enumerate(networks):
        places, extractor = depths.feature_extractor(network, most)
        features, _ = _features(extractor, train, index)
        tested, predicted = _features(extractor, judged, judged_index)
        own.append(float(np.mean(predicted == judged_labels)))
        for n in _distinct(places, features):
            probes.append(
                _probe(
                    number,
                    places[n],
                    (features[n], labels),
                    (tested[n], judged_labels),
                )
            )
    return Probes(
        probes, own, kind, judged_kind, len(labels), len(judged_labels)
    )


def _labels(source, clean_probability):
    """Training samples: positions, labels, and the kind of the labels."""
    if source.true_labels is not None:
        known = np.flatnonzero(source.true_labels >= 0)
        if len(known) >= _LEAST_TRUE * source.num_classes:
            return known, source.true_labels[known], "true"
    if clean_probability is None:
        raise ConfigurationError(
            "Expected `clean_probability` for a source whose true labels are "
            "unknown. Received: None; `sample_scores(model, source)` "
            "computes it."
        )
    trusted = np.asarray(clean_probability) >= 0.5
    if source.foreign is not None:
        trusted &= ~source.foreign
    clean = np.flatnonzero(trusted)
    return clean, source.labels[clean], "given"


def _judged_labels(source):
    if source.true_labels is not None and (source.true_labels >= 0).any():
        known = np.flatnonzero(source.true_labels >= 0)
        return known, source.true_labels[known], "true"
    return np.arange(source.num_samples), source.labels, "given"


def _some(random, count, most):
    """At most `most` positions, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(random.permutation(count)[:most])


def _features(extractor, source, index):
    """Features of samples, a list of `[n, D]`, and predicted classes `[n]`."""
    parts, predicted = [], []
    shown = batches.for_evaluation(source.subset(index), _BATCH_SIZE)
    for images, _ in shown:
        # Eagerly: tracing a graph takes longer than these few samples.
        outputs = extractor(tf.cast(images, tf.float32), training=False)
        parts.append([feature.numpy() for feature in outputs["features"]])
        predicted.append(outputs["logits"].numpy().argmax(axis=1))
    features = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return features, np.concatenate(predicted)


def _distinct(places, features):
    """Positions without a last feature map whose mean is the embedding."""
    count = len(places)
    if count > 1 and features[-1].shape == features[-2].shape:
        if np.allclose(features[-1], features[-2], rtol=1e-2, atol=1e-4):
            return [*range(count - 2), count - 1]
    return list(range(count))


def _probe(number, place, train, judged):
    # Imported here because the import takes a second and few programs probe.
    from sklearn import exceptions
    from sklearn import linear_model
    from sklearn import pipeline
    from sklearn import preprocessing

    # The penalty is the default of scikit-learn: ten times as much lowers the
    # accuracy at nearly every depth on the digits data set.
    regression = linear_model.LogisticRegression(max_iter=_ITERATIONS)
    classifier = pipeline.make_pipeline(
        preprocessing.StandardScaler(), regression
    )
    with warnings.catch_warnings():
        # Reported by `converged`.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        classifier.fit(*train)
    accuracy = float(classifier.score(*judged))
    error = np.sqrt(accuracy * (1.0 - accuracy) / len(judged[1]))
    return Probe(
        network=number,
        depth=place.name,
        layer=place.layer,
        shape=place.shape,
        accuracy=accuracy,
        train_accuracy=float(classifier.score(*train)),
        error=float(error),
        converged=bool(regression.n_iter_.max() < _ITERATIONS),
    )
