"""Refining, sharpening and mixing targets and images (MixMatch, DivideMix).

Reference: Berthelot et al., MixMatch, NeurIPS 2019; Li et al., DivideMix, ICLR
2020.
"""

import numpy as np
import tensorflow as tf

_TINY = float(np.finfo(np.float32).tiny)


def sharpen(probabilities: tf.Tensor, temperature: float) -> tf.Tensor:
    """Sharpens distributions by a temperature: `p^(1/T)`, normalised.

    Args:
        probabilities: float tensor `[B, K]`, non-negative.
        temperature: float, T > 0. 1 leaves normalised rows unchanged, 0.5
            squares the probabilities before normalising.

    Returns:
        Float tensor `[B, K]`, rows summing to 1.
    """
    # In logarithms, where powers of small numbers do not underflow. Zeros are
    # replaced by the smallest float, so that no gradient is 0 times infinity.
    logarithm = tf.math.log(tf.maximum(probabilities, _TINY))
    return tf.nn.softmax(logarithm / temperature, axis=-1)


def co_refine(
    targets: tf.Tensor, guesses: tf.Tensor, clean_probability: tf.Tensor
) -> tf.Tensor:
    """Mixes labels and predictions by clean probability.

    The label co-refinement of DivideMix: `w y + (1 - w) p`.

    Args:
        targets: float tensor `[B, K]`, the given labels y as distributions.
        guesses: float tensor `[B, K]`, the network's prediction p, averaged
            over views.
        clean_probability: float tensor `[B]` in `[0, 1]`, w.

    Returns:
        Float tensor `[B, K]`, rows summing to 1 where those of the inputs do.
    """
    trust = clean_probability[:, None]
    return trust * targets + (1.0 - trust) * guesses


def mixup(
    images: tf.Tensor,
    targets: tf.Tensor,
    mix_ratio: float | tf.Tensor,
    permutation: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes every sample with a partner.

    Args:
        images: float tensor `[N, H, W, C]`.
        targets: float tensor `[N, K]`.
        mix_ratio: float in `[0, 1]` for all samples, or float tensor `[N]`: the
            share of the sample itself. MixMatch takes `max(l, 1 - l)` with `l ~
            Beta(a, a)`, so that a mixed sample stays closer to its own half,
            labelled or unlabelled.
        permutation: int tensor `[N]`, position of each sample's partner.

    Returns:
        Tuple of the mixed images `[N, H, W, C]` and targets `[N, K]`, float
        tensors.
    """

    def mixed(values: tf.Tensor) -> tf.Tensor:
        ratio = tf.convert_to_tensor(mix_ratio)
        if ratio.shape.rank:
            ratio = tf.reshape(ratio, [-1] + [1] * (values.shape.rank - 1))
        return ratio * values + (1.0 - ratio) * tf.gather(values, permutation)

    return mixed(images), mixed(targets)


def normalize_logits(logits: tf.Tensor) -> tf.Tensor:
    """Scales logits to a mean square of 1.

    `v / sqrt(mean(v^2) + 1e-8)` with one mean over the whole tensor, which all
    samples of the batch share. Source: `logit_norm` in
    `ieg/models/custom_ops.py` of the released code of IEG.

    Args:
        logits: float tensor `[B, K]`.

    Returns:
        Float tensor `[B, K]`.
    """
    return logits * tf.math.rsqrt(tf.reduce_mean(tf.square(logits)) + 1e-8)
