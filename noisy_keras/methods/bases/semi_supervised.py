"""Common parts of IEG and EG: pseudo-labels, mixed batch, consistent views.

Sections and equations are those of IEG, see `noisy_keras.methods.ieg`.
"""

import numpy as np
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.data import batches
from noisy_keras.methods.bases.trusted_plan import TrustedPlan
from noisy_keras.ops import losses
from noisy_keras.ops import mixing
from noisy_keras.ops import random
from noisy_keras.utils import arguments
from noisy_keras.utils import distribution

# Streams of a step's seed; the views of the batch use small numbers.
_DRAWN, _PARTNERS, _RATIOS = range(32, 35)

#: Rules of the settings that both methods have.
RULES = {
    "unlabeled_weight": arguments.at_least(0),
    "consistency_weight": arguments.at_least(0),
    "temperature": arguments.within(0, 1, "(]"),
    "mix_alpha": arguments.within(0, float("inf"), "()"),
    "logit_normalization": arguments.switch,
    "exact_beta": arguments.switch,
    "average_decay": arguments.within(0, 1, "[)"),
    "view": augment.view_rule,
    "strong_view": augment.view_rule,
}


def images(data):
    """Weak, strong and trusted images of a batch.

    Args:
        data: dict, a batch of `SemiSupervisedPlan`.

    Returns:
        Three tensors, float32 `[B, H, W, C]`.
    """
    names = ("images", "strong", "trusted_images")
    return [tf.cast(data[name], tf.float32) for name in names]


def pseudo_labels(model, weak_logits, strong_logits):
    """The mean prediction of both views, sharpened: section 2.2.1.

    Args:
        model: model with the settings `RULES`.
        weak_logits: float `[B, K]`.
        strong_logits: float `[B, K]`.

    Returns:
        float32 `[B, K]`, distributions.
    """
    views = [_normalized(model, z) for z in (weak_logits, strong_logits)]
    mean = tf.add_n([tf.nn.softmax(z) for z in views]) / float(len(views))
    return mixing.sharpen(mean, model.temperature)


def mixed_losses(model, parameters, views, targets, data):
    """Losses on trusted samples mixed with the batch: section 2.2.2.

    Args:
        model: model with the settings `RULES`.
        parameters: list of tensors, the network's weights.
        views: trusted, weak and strong images, float32 `[B, H, W, C]` each.
        targets: targets of the trusted images and of both other views, float32
            `[B, K]` each.
        data: dict, the batch.

    Returns:
        dict of the scalars `loss_trusted` and `loss_unlabeled`.
    """
    trusted, weak, strong = views
    known, pseudo = targets
    seed, count = data["seed"][0], weak.shape[0]
    # Trusted samples, drawn anew with replacement.
    drawn = random.uniform([count], random.fold_in(seed, _DRAWN))
    drawn = tf.cast(drawn * float(trusted.shape[0]), tf.int32)
    pool = tf.concat([tf.gather(trusted, drawn), weak, strong], axis=0)
    labels = tf.concat([tf.gather(known, drawn), pseudo, pseudo], axis=0)
    mixed, labels = mixing.mixup(
        pool,
        labels,
        _ratios(model, data, 3 * count),
        random.permutation(3 * count, random.fold_in(seed, _PARTNERS)),
    )
    logits = tf.split(model.forward(parameters, mixed), 3)
    each = [
        losses.cross_entropy(target, _normalized(model, z))
        for target, z in zip(tf.split(labels, 3), logits, strict=True)
    ]
    return {
        "loss_trusted": tf.reduce_mean(each[0]),
        "loss_unlabeled": model.unlabeled_weight
        * tf.reduce_mean(tf.concat(each[1:], axis=0)),
    }


def _ratios(model, data, count):
    """One mixup ratio for each sample: `[count]` in `[0.5, 1]`."""
    if "mix_ratio" in data:
        # The share of this replica.
        place = distribution.replica_id() * count
        return tf.slice(data["mix_ratio"][0], [place], [count])
    u = random.uniform([count], random.fold_in(data["seed"][0], _RATIOS))
    return 1.0 - 0.5 * u ** (1.0 / model.mix_alpha)


def divergence(weak_logits, strong_logits):
    """Mean of `KL(softmax(weak) || softmax(strong))`: equation 7.

    Args:
        weak_logits: float `[B, K]`; has no gradient.
        strong_logits: float `[B, K]`.

    Returns:
        float32 scalar of at least 0.
    """
    weak_logits = tf.stop_gradient(weak_logits)
    leading = tf.nn.softmax(weak_logits)
    difference = tf.nn.log_softmax(weak_logits) - tf.nn.log_softmax(
        strong_logits
    )
    return tf.reduce_mean(tf.reduce_sum(leading * difference, axis=-1))


def _normalized(model, logits):
    if not model.logit_normalization:
        return logits
    return mixing.normalize_logits(logits)


def begin(model):
    """Starts the average of weights from those that training begins with.

    Args:
        model: compiled model with an `average`.
    """
    if int(model.optimizer.iterations.numpy()) == 0:
        model.average.start(model.networks[0])


class SemiSupervisedPlan(TrustedPlan):
    """Adds mixup ratios, where they are drawn from the Beta distribution."""

    def step_settings(self, epoch):
        model = self.model
        if not model.exact_beta:
            return {}
        # No Beta sampler has an XLA kernel.
        count = 3 * self.batch_size
        ratios = batches.mix_ratios(
            self.steps * count, model.mix_alpha, self.seed, epoch, 0
        )
        return {"mix_ratio": np.reshape(ratios, (self.steps, count))}
