"""Measuring: one pass over all samples in index order, in inference mode."""

from typing import Any
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.data import batches
from noisy_keras.data.sources.source import Source
from noisy_keras.ops import losses

#: The key that marks a batch as one to be measured.
PHASE = "measure"
# The field that asks for embeddings, too.
_EMBED = "embed"

# Inference keeps no gradients, so it affords larger batches than training.
_BATCH_SIZE = 500


class Measurement(NamedTuple):
    """What the networks predict for every sample.

    Attributes:
        loss: float32 `[N, M]`, cross-entropy to the given label in nats, for
            each of M networks.
        suggested: int32 `[N]`, class of the highest mean logit.
        confidence: float32 `[N]` in `[0, 1]`, its probability.
        embeddings: M float16 arrays `[N, E]` of unit length, the embeddings of
            each network, where they were asked for.
    """

    loss: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    embeddings: tuple[np.ndarray, ...] = ()


def measure(
    model: Any,
    source: Source,
    batch_size: int | None = None,
    embed: bool = False,
) -> Measurement:
    """Predicts a source in index order.

    Args:
        model: `NoisyLabelModel`.
        source: `Source` of N samples.
        batch_size: int, number of samples in a batch; default: 500.
        embed: bool, whether embeddings are wanted; they take `2 N M E` bytes.

    Returns:
        A `Measurement`.

    Raises:
        FloatingPointError: a loss is NaN or infinite.
    """
    batch_size = min(batch_size or _BATCH_SIZE, source.num_samples)
    replicas = model.distribute_strategy.num_replicas_in_sync
    # Shapes are static on every replica; padding is measured twice.
    batch_size += -batch_size % replicas

    def marked(batch):
        wanted = {_EMBED: batch["index"]} if embed else {}
        return {PHASE: batch | wanted}

    dataset = batches.ordered(source, batch_size).map(marked)
    outputs = keras.Model.predict(model, dataset, verbose=0)
    # Replicas and padding may change the order, so rows are put by index.
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
    embeddings = tuple(
        result.pop(_embedding(k))
        for k in range(len(model.predictors) if embed else 0)
    )
    return Measurement(**result, embeddings=embeddings)


def step(model: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """The compiled part: from a batch to its rows of a `Measurement`.

    Args:
        model: `NoisyLabelModel`.
        fields: dict of `index`, `image` and `label`, see `batches.ordered`;
            and of `embed`, where embeddings are wanted.

    Returns:
        dict of `index` and the fields of a `Measurement`, of B rows each.
    """
    images = tf.cast(fields["image"], tf.float32)
    outputs = [n(images, training=False) for n in model.predictors]
    logits = [o["logits"] for o in outputs]
    loss = [losses.sparse_cross_entropy(fields["label"], z) for z in logits]
    mean = tf.nn.softmax(tf.add_n(logits) / float(len(logits)))
    found = {
        "index": fields["index"],
        "loss": tf.stack(loss, axis=1),
        "suggested": tf.argmax(mean, axis=1, output_type=tf.int32),
        "confidence": tf.reduce_max(mean, axis=1),
    }
    for k, one in enumerate(outputs if _EMBED in fields else ()):
        embedding = tf.cast(one["embedding"], tf.float32)
        # Of unit length, so that 16 bits suffice whatever the scale is.
        embedding = tf.math.l2_normalize(embedding, axis=1)
        found[_embedding(k)] = tf.cast(embedding, tf.float16)
    return found


def _embedding(k):
    """Name of the output with the embeddings of network `k`."""
    return f"embedding_{k}"
