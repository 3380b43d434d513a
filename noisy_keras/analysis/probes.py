"""Linear probes: how good the features of a network are, depth by depth.

Networks that have learnt wrong labels by heart still have good features in
their first layers; degradation concentrates at the end.

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
# Fewer true labels per class than this say less than many given ones.
_LEAST_TRUE = 10


@dataclasses.dataclass(frozen=True)
class Probe:
    """A linear classifier on the features at one depth.

    Attributes:
        network: number of the network, from 0.
        depth: name of the place: see `Depth`.
        layer: of Keras, whose output was probed.
        shape: of that output without the batch.
        accuracy: of the probe on the judged samples, in `[0, 1]`.
        train_accuracy: on the samples that it was trained on.
        error: standard error of `accuracy`, from the number of samples.
        converged: whether its optimiser ended before its last iteration.
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
    """All probes of a model, and what they were made from.

    Attributes:
        probes: list of `Probe`, network by network, from stem to embedding.
        classifier: accuracy of each network's own classifier, a list.
        labels: what the probes learnt from: `"true"` or `"given"`, the given
            labels of samples whose clean probability is at least 0.5.
        judged_labels: what they were judged by: `"true"` or `"given"`.
        train_samples, judged_samples: counts.
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

    Features are means over each feature map, standardised. The classifier is
    a logistic regression (scikit-learn), trained on true labels where at
    least ten per class are known; else on given labels of likely clean
    samples. Foreign pictures take no part.

    Args:
        model: a `NoisyLabelModel`, or a list of functional networks.
        train: `Source` that it was trained on.
        judged: `Source` of other samples, to judge by.
        clean_probability: `[N]` of `train`, needed where the truth is not
            known.
        samples: of either source at most, chosen at random.
        most: feature maps per network at most: see `feature_extractor`.
        seed: of the choice.

    Returns:
        `Probes`.

    Raises:
        ValueError: no labels to learn from, or a network that is not
            functional.
    """
    networks = getattr(model, "networks", model)
    random = np.random.RandomState(seed)
    index, labels, kind = _labels(train, clean_probability)
    chosen = _some(random, len(index), samples)
    index, labels = index[chosen], labels[chosen]
    if len(np.unique(labels)) < 2:
        raise ConfigurationError(
            "Expected labels of at least two classes for linear probes to "
            f"learn from. Received: {len(labels)} samples of "
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
    """What to learn from: positions, labels, and what labels these are."""
    if source.true_labels is not None:
        known = np.flatnonzero(source.true_labels >= 0)
        if len(known) >= _LEAST_TRUE * source.num_classes:
            return known, source.true_labels[known], "true"
    if clean_probability is None:
        raise ConfigurationError(
            "Expected `clean_probability` beside a source whose true labels "
            "are not known. Received: None; `sample_scores(model, source)` "
            "has it."
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
    """At most so many positions, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(random.permutation(count)[:most])


def _features(extractor, source, index):
    """Features of samples: a list of `[n, D]`, and predicted classes `[n]`."""
    parts, predicted = [], []
    shown = batches.for_evaluation(source.subset(index), _BATCH_SIZE)
    for images, _ in shown:
        # Without a graph: tracing one takes longer than these few samples.
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
    # Imported here: it takes a second, and most users never probe.
    from sklearn import exceptions
    from sklearn import linear_model
    from sklearn import pipeline
    from sklearn import preprocessing

    # The penalty is scikit-learn's own: ten times as much costs accuracy at
    # nearly every depth on the digits.
    regression = linear_model.LogisticRegression(max_iter=_ITERATIONS)
    classifier = pipeline.make_pipeline(
        preprocessing.StandardScaler(), regression
    )
    with warnings.catch_warnings():
        # Told by `converged`.
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
