"""Refining, sharpening and mixing of targets and images (MixMatch, DivideMix).

Reference: Berthelot et al., MixMatch (2019); Li et al., DivideMix (2020).
"""

import numpy as np
import tensorflow as tf

_TINY = float(np.finfo(np.float32).tiny)


def sharpen(probabilities, temperature: float):
    """Makes a distribution more certain: `p^(1/T)`, normalised.

    Args:
        probabilities: `[B, K]`, non-negative.
        temperature: T > 0; 1 leaves rows as they are, 0.5 squares them.

    Returns:
        `[B, K]`, rows summing to 1.
    """
    # In logarithms, where small powers of small numbers do not vanish. Those
    # that are zero are held off it, so that no gradient is 0 times infinity.
    logarithm = tf.math.log(tf.maximum(probabilities, _TINY))
    return tf.nn.softmax(logarithm / temperature, axis=-1)


def co_refine(targets, guesses, clean_probability):
    """Trusts a label as far as it is likely clean, the guess for the rest.

    DivideMix's co-refinement: `w y + (1 - w) p`.

    Args:
        targets: `[B, K]`, the given labels.
        guesses: `[B, K]`, the network's mean prediction over views.
        clean_probability: `[B]` in `[0, 1]`.

    Returns:
        `[B, K]`.
    """
    trust = clean_probability[:, None]
    return trust * targets + (1.0 - trust) * guesses


def mixup(images, targets, mix_ratio, permutation):
    """Mixes every sample with a partner.

    Args:
        images: `[N, H, W, C]`.
        targets: `[N, K]`.
        mix_ratio: in `[0, 1]`, the share of the sample itself: a scalar for
            all, or `[N]`, one each. MixMatch uses `max(l, 1 - l)` with
            `l ~ Beta(a, a)`, which keeps the order of labelled and unlabelled
            halves meaningful.
        permutation: int `[N]`, the partners.

    Returns:
        images `[N, H, W, C]` and targets `[N, K]`.
    """

    def mixed(values):
        ratio = tf.convert_to_tensor(mix_ratio)
        if ratio.shape.rank:
            ratio = tf.reshape(ratio, [-1] + [1] * (values.shape.rank - 1))
        return ratio * values + (1.0 - ratio) * tf.gather(values, permutation)

    return mixed(images), mixed(targets)


def normalize_logits(logits):
    """Brings a tensor of logits to a mean square of 1.

    `v / sqrt(mean(v^2) + 1e-8)`, one mean over the *whole* tensor, so samples
    of a batch share it. Source: the released code of IEG.

    Args:
        logits: `[B, K]`.

    Returns:
        `[B, K]`.
    """
    return logits * tf.math.rsqrt(tf.reduce_mean(tf.square(logits)) + 1e-8)
