"""Linear classifiers in closed form, and what labels do to them.

For features F and labels Y the least-squares classifier is
`W = A^-1 F^T Y` with `A = F^T F + ridge * tr(F^T F) / D * I`: a linear function
of the labels. So the loss of that classifier on trusted samples has a gradient
to the labels themselves, without any training in between.

A is factored once and in float64, for the squares of features that a network
makes are badly conditioned; products with features are in float32. GPUs that
take TF32 for it lose a few per cent of a response at condition numbers of 1e5:
`tf.config.experimental.enable_tensor_float_32_execution(False)` forbids it.

Reference: Tu et al., Learning from Noisy Labels with Decoupled Meta Label
Purifier (DMLP), CVPR 2023, equations 6 to 8.
"""

from typing import NamedTuple

import tensorflow as tf

from noisy_keras.ops import losses
from noisy_keras.utils.errors import ConfigurationError

#: Losses of a response, see `response_loss`.
FORMS = ("code", "paper")

_POWER_STEPS = 40


def solve(features, labels, ridge):
    """The linear classifier of least squared error.

    Source: DMLP equation 6, with a ridge.

    Args:
        features: `[M, D]`.
        labels: `[M, K]`, of any real numbers.
        ridge: weight of the squared weights, relative to the mean square of a
            feature's column, `tr(F^T F) / D`; 0 for none. Without it features
            of deficient rank have no solution: NaN, or the error of
            `tf.linalg.cholesky`.

    Returns:
        Weights `[D, K]`, of the labels' type.

    Raises:
        ValueError: features and labels of different length, or of other rank.
    """
    features, labels = _pair(features, labels, "features", "labels")
    wide = tf.cast(features, tf.float64)
    moments = tf.matmul(wide, tf.cast(labels, tf.float64), transpose_a=True)
    factor = tf.linalg.cholesky(gram(features, ridge))
    return tf.cast(tf.linalg.cholesky_solve(factor, moments), labels.dtype)


def purification_loss(
    labels, features, val_features, val_labels, ridge=1e-3, form="code"
):
    """Loss of the classifier that labels train, on trusted samples.

    Differentiable in the labels. Source: DMLP equation 8.

    Args:
        labels: `[M, K]`, of any real numbers.
        features: `[M, D]`, of the same samples.
        val_features: `[V, D]`, of trusted samples.
        val_labels: `[V, K]`, their distributions.
        ridge: see `solve`.
        form: see `response_loss`.

    Returns:
        scalar.

    Raises:
        ValueError: an unknown form, or arrays that do not fit each other.

    Example:
        >>> features = np.eye(2, dtype=np.float32)
        >>> labels = np.array([[0.5, 0.5], [0.0, 1.0]], np.float32)
        >>> loss = purification_loss(
        ...     labels, features, features, np.eye(2), ridge=0.0, form="paper"
        ... )
        >>> round(float(loss), 4)  # (0.5 + 0) / 2, and the mean entropy.
        0.8877
    """
    features, labels = _pair(features, labels, "features", "labels")
    val_features, val_labels = _pair(
        val_features, val_labels, "val_features", "val_labels"
    )
    pairs = {"features": (features, val_features)}
    pairs["labels"] = labels, val_labels
    for what, (one, other) in pairs.items():
        if not one.shape[1:].is_compatible_with(other.shape[1:]):
            raise ConfigurationError(
                f"Expected `{what}` and `val_{what}` with as many columns. "
                f"Received: shapes {one.shape} and {other.shape}"
            )
    weights = solve(features, labels, ridge)
    outputs = tf.cast(features, weights.dtype) @ weights
    val_outputs = tf.cast(val_features, weights.dtype) @ weights
    val_labels = tf.cast(val_labels, weights.dtype)
    return response_loss(val_outputs, val_labels, outputs, form)


def response_loss(
    val_outputs, val_labels, outputs, form="code", weight=None, prior=None
):
    """Loss of linear outputs, which regress to one-hot labels.

    Args:
        val_outputs: P, of trusted samples, `[V, K]`.
        val_labels: `[V, K]`.
        outputs: of the training samples, `[M, K]`; the form "code" alone
            looks at them.
        form: `"code"`, as released: mean cross-entropy with P as logits, plus
            the *sum* of squared errors, plus the class-balance penalty of the
            training outputs as logits. `"paper"`: mean over samples of the
            squared error, plus the mean entropy of `softmax(P)`.
        weight: of training samples, `[M]`; None for ones.
        prior: of classes, `[K]`, for the penalty; None for the uniform one.

    Returns:
        scalar.

    Raises:
        ValueError: an unknown form.
    """
    if form not in FORMS:
        raise ConfigurationError(
            f"Expected a form, one of {FORMS}. Received: {form!r}"
        )
    squared = tf.reduce_sum(tf.square(val_outputs - val_labels), axis=-1)
    if form == "paper":
        return tf.reduce_mean(squared) - losses.negative_entropy(val_outputs)
    entropy = losses.cross_entropy(val_labels, val_outputs)
    return (
        tf.reduce_mean(entropy)
        + tf.reduce_sum(squared)
        + losses.class_balance_penalty(outputs, weight, prior)
    )


class Correction(NamedTuple):
    """What `correction` finds.

    Attributes:
        direction: V, `[D, K]`; the loss has the gradient `F V` to the labels.
        loss: scalar, see `response_loss`.
        weights: `[D, K]`, of the classifier that the labels train.
        outputs: `[M, K]`, its response on the training samples.
    """

    direction: tf.Tensor
    loss: tf.Tensor
    weights: tf.Tensor
    outputs: tf.Tensor


def correction(
    moments,
    features,
    whitening,
    val_features,
    val_labels,
    form="code",
    weight=None,
    prior=None,
):
    """`purification_loss` and its gradient, from a factor made before.

    Labels enter by their moments alone, and their gradient has rank D at most:
    `dL/dY = F A^-1 (F_v^T dL/dP + F^T dL/dZ)` with `A^-1 = R^T R`. All of it
    but the last product with F, which the caller may have with others.

    Args:
        moments: `F^T Y`, `[D, K]`, of those rows whose weight is 1.
        features: F, `[M, D]`.
        whitening: R of `whitening(features, ridge)`, `[D, D]`, of those rows
            whose weight is 1.
        val_features: `[V, D]`.
        val_labels: `[V, K]`.
        form: see `response_loss`.
        weight: `[M]`, 1 or 0; None for ones. A row of weight 0 counts for
            nothing; its gradient is that which a further sample of these
            features would have.
        prior: see `response_loss`.

    Returns:
        A `Correction`.
    """

    def divided(sums):
        return tf.matmul(whitening, whitening @ sums, transpose_a=True)

    weights = divided(moments)
    outputs, val_outputs = features @ weights, val_features @ weights
    with tf.GradientTape() as tape:
        tape.watch([outputs, val_outputs])
        loss = response_loss(
            val_outputs, val_labels, outputs, form, weight, prior
        )
    to_outputs, to_val = tape.gradient(loss, [outputs, val_outputs])
    to_weights = tf.matmul(val_features, to_val, transpose_a=True)
    if to_outputs is not None:
        to_weights += tf.matmul(features, to_outputs, transpose_a=True)
    return Correction(divided(to_weights), loss, weights, outputs)


def moments(features, labels, weight=None):
    """`F^T Y` of those rows whose weight is 1: `[D, K]`.

    Args:
        features: `[M, D]`.
        labels: `[M, K]`.
        weight: `[M]`, 1 or 0; None for ones.
    """
    counted = labels if weight is None else labels * weight[:, None]
    return tf.matmul(features, counted, transpose_a=True)


def gram(features, ridge):
    """`A = F^T F + ridge * tr(F^T F) / D * I`.

    Args:
        features: `[M, D]`.
        ridge: see `solve`.

    Returns:
        float64 `[D, D]`.
    """
    wide = tf.cast(features, tf.float64)
    squares = tf.matmul(wide, wide, transpose_a=True)
    added = absolute_ridge(features, ridge)
    return tf.linalg.set_diag(squares, tf.linalg.diag_part(squares) + added)


def absolute_ridge(features, ridge):
    """What a relative ridge adds to the diagonal: float64 scalar."""
    wide = tf.cast(features, tf.float64)
    mean_square = tf.reduce_sum(tf.square(wide)) / wide.shape[1]
    return tf.cast(ridge, tf.float64) * mean_square


def whitening(matrix):
    """R with `R^T R = A^-1`, from the Cholesky factor of A.

    Args:
        matrix: A, of `gram`.

    Returns:
        float64 `[D, D]`, lower triangular. Where A is singular: NaN, or the
        error of `tf.linalg.cholesky`.
    """
    factor = tf.linalg.cholesky(matrix)
    identity = tf.eye(matrix.shape[0], dtype=matrix.dtype)
    return tf.linalg.triangular_solve(factor, identity)


def extreme_eigenvalues(matrix, whitening):
    """The highest and the lowest eigenvalue, by power iteration.

    A few dozen products in place of a decomposition; the highest comes out
    low, and the lowest high, by some per cent at most.

    Args:
        matrix: A, of `gram`.
        whitening: its R.

    Returns:
        Two float64 scalars; their ratio is the condition number.
    """

    def greatest(product):
        # Neither constant nor periodic, so that it has a part of any vector.
        size = tf.range(matrix.shape[0], dtype=matrix.dtype)
        start = (1.0 + tf.sin(1.0 + size * size))[:, None]

        def step(vector, _):
            image = product(vector)
            length = tf.norm(image)
            return image / length, length

        return tf.while_loop(
            lambda *_: True,
            step,
            (start / tf.norm(start), tf.zeros([], matrix.dtype)),
            maximum_iterations=_POWER_STEPS,
        )[1]

    inverse = greatest(
        lambda v: tf.matmul(whitening, whitening @ v, transpose_a=True)
    )
    return greatest(lambda v: matrix @ v), 1.0 / inverse


def as_distributions(values):
    """Brings rows of real numbers to label distributions.

    Negative entries become 0, then rows are divided by their sums; one without
    a positive entry becomes its highest one. The top class never changes.

    Args:
        values: `[N, K]`.

    Returns:
        `[N, K]`, rows non-negative and summing to 1.
    """
    positive = tf.nn.relu(values)
    total = tf.reduce_sum(positive, axis=-1, keepdims=True)
    top = tf.one_hot(
        tf.argmax(values, axis=-1), values.shape[-1], dtype=values.dtype
    )
    scaled = tf.math.divide_no_nan(positive, total)
    return tf.where(total <= 1e-6, top, scaled)  # NaN stays NaN.


def _pair(first, second, *names):
    """Two matrices as tensors, with a row per sample in each."""
    first, second = (
        v if tf.is_tensor(v) and v.dtype.is_floating else tf.cast(v, tf.float32)
        for v in (first, second)
    )
    if first.shape.rank != 2 or second.shape.rank != 2:
        raise ConfigurationError(
            f"Expected `{names[0]}` and `{names[1]}` to be matrices. Received: "
            f"shapes {first.shape} and {second.shape}"
        )
    if not first.shape[:1].is_compatible_with(second.shape[:1]):
        raise ConfigurationError(
            f"Expected `{names[0]}` and `{names[1]}` to have one row per "
            f"sample. Received: {first.shape[0]} and {second.shape[0]} rows"
        )
    return first, second
