"""Measuring: one pass over all samples in index order, in inference mode."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.labels.out_of_distribution import unsettled
from noisy_keras.ops import losses

#: The key that marks a batch as one to be measured.
PHASE = "measure"

# Inference keeps no gradients, so it affords larger batches than training.
_BATCH_SIZE = 500
# Share of a class, and how many samples tell its quantile.
_EASIEST, _LEAST_OF_CLASS = 0.1, 20
# Margins at which a label is doubted, and credible whatever its loss.
_LIKELIER, _LIKELIEST = np.log(1.5), np.log(4.0)


class Measurement(NamedTuple):
    """What the networks say of every sample.

    Attributes:
        loss: float32 `[N, M]`: cross-entropy to the given label, for each of
            M networks.
        suggested: int32 `[N]`: class of highest mean logit.
        confidence: float32 `[N]`: its probability.
    """

    loss: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray


def measure(model, source, batch_size=None):
    """Predicts a source in index order.

    Args:
        model: a `NoisyLabelModel`.
        source: a `Source`.
        batch_size: of the pass.

    Returns:
        A `Measurement`.

    Raises:
        FloatingPointError: a loss is NaN or infinite.
    """
    batch_size = min(batch_size or _BATCH_SIZE, source.num_samples)
    replicas = model.distribute_strategy.num_replicas_in_sync
    # Static shapes on every replica; what is added is measured twice.
    batch_size += -batch_size % replicas
    dataset = batches.ordered(source, batch_size).map(lambda b: {PHASE: b})
    outputs = keras.Model.predict(model, dataset, verbose=0)
    # Replicas and padding may change the order: the index tells the place.
    index = outputs.pop("index")
    result = {}
    for name, values in outputs.items():
        shape = (source.num_samples, *values.shape[1:])
        result[name] = np.empty(shape, values.dtype)
        result[name][index] = values
    broken = int(np.sum(~np.isfinite(result["loss"]).all(axis=1)))
    if broken:
        raise FloatingPointError(
            f"The networks' loss is NaN or infinite on {broken} of "
            f"{source.num_samples} samples: training has diverged. Lower the "
            "learning rate and start from the last good checkpoint."
        )
    return Measurement(**result)


def step(model, fields):
    """The compiled part: from a batch to its columns of a `Measurement`."""
    images = tf.cast(fields["image"], tf.float32)
    logits = [n(images, training=False)["logits"] for n in model.predictors]
    loss = [losses.sparse_cross_entropy(fields["label"], z) for z in logits]
    mean = tf.nn.softmax(tf.add_n(logits) / float(len(logits)))
    return {
        "index": fields["index"],
        "loss": tf.stack(loss, axis=1),
        "suggested": tf.argmax(mean, axis=1, output_type=tf.int32),
        "confidence": tf.reduce_max(mean, axis=1),
    }


def audit(model, source, batch_size=None):
    """The audit of a source by a trained model.

    Args:
        model: a `NoisyLabelModel`.
        source: a `Source`.
        batch_size: of the prediction pass.

    Returns:
        A `LabelAudit`.
    """
    measurement = measure(model, source, batch_size)
    clean = model.clean_probabilities(measurement, source)
    suggested, confidence = model.suggest(measurement)
    history = getattr(model, "label_history", None)
    wavering = None
    if model.evidence == "cross_epoch_history":
        wavering = unsettled(model.prediction_history, source.labels, clean)
    return LabelAudit(
        ids=source.ids,
        given_label=source.labels,
        suggested_label=suggested,
        clean_probability=clean,
        confidence=confidence,
        class_names=source.class_names,
        paths=source.paths,
        true_label=source.true_labels,
        foreign=source.foreign,
        evidence=model.evidence,
        given_share=None if history is None else history.share(),
        epochs=None if history is None else history.epochs(),
        unsettled=wavering,
    )


def above_easiest(loss, labels):
    """Losses above that of the easiest tenth of their given class.

    Classes differ in how well they are predicted at all. Where look-alikes are
    mistaken for each other, a mixture of plain losses would divide easy from
    hard classes, and not right from wrong labels.

    Args:
        loss: float `[N]`.
        labels: int `[N]`, as given.

    Returns:
        float32 `[N]`: the loss less the 10th percentile of its class; of all
        samples for classes with fewer than 20.
    """
    loss, labels = np.asarray(loss), np.asarray(labels)
    easiest = np.full(len(loss), np.quantile(loss, _EASIEST))
    by_class = np.argsort(labels, kind="stable")
    _, first = np.unique(labels[by_class], return_index=True)
    for here in np.split(by_class, first[1:]):
        if len(here) >= _LEAST_OF_CLASS:
            easiest[here] = np.quantile(loss[here], _EASIEST)
    return (loss - easiest).astype(np.float32)


def credibility(clean_probability, margin):
    """A clean probability that knows of likelier classes, too.

    A label is doubted if another class is half as likely again, or if its loss
    is among the high ones and it is not four times as likely as any other. The
    first finds what look-alikes are mistaken for, the second pictures that
    belong to no class. The rule is our own.

    Args:
        clean_probability: float `[N]` in `[0, 1]`, by the loss.
        margin: float `[N]`, as of `PredictionHistory.margin`.

    Returns:
        float32 `[N]`: `s / 2` where the label is doubted and `(1 + s) / 2`
        where it is not, s being the logistic function of the margin.
    """
    margin = np.asarray(margin, np.float64)
    high = np.asarray(clean_probability) < 0.5
    doubted = (margin < -_LIKELIER) | (high & (margin < _LIKELIEST))
    found = (0.5 + 0.5 * np.tanh(margin / 2) + ~doubted) / 2
    return found.astype(np.float32)


def normalized(loss):
    """Brings each column of losses to `[0, 1]`: `(l - min) / (max - min)`."""
    low, high = loss.min(axis=0), loss.max(axis=0)
    return (loss - low) / np.maximum(high - low, 1e-12)
