"""Linear classifiers in closed form, and their gradients to labels.

The least-squares classifier of features F and labels Y is `W = A^-1 F^T Y` with
`A = F^T F + ridge * tr(F^T F) / D * I`, a linear function of the labels. The
loss of that classifier on trusted samples therefore has a gradient to the
labels themselves, without any training in between.

A is factored once, in float64, because the squares of a network's features are
badly conditioned. Products with features are in float32. GPUs that use TF32 for
these lose a few per cent of a response at condition numbers of 1e5;
`tf.config.experimental.enable_tensor_float_32_execution(False)` turns TF32 off.

Reference: Tu et al., Learning from Noisy Labels with Decoupled Meta Label
Purifier (DMLP), CVPR 2023, equations 6 to 8. "The released code" is `DMLP.py`
of https://github.com/yuanpengtu/DMLP; comments name the lines that follow or
leave it.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from noisy_keras.ops import losses
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import TensorLike

#: Forms of the loss on trusted samples: see `response_loss`.
FORMS = ("code", "paper")

_POWER_STEPS = 40


def solve(features: TensorLike, labels: TensorLike, ridge: float) -> tf.Tensor:
    """Linear classifier of least squared error.

    Source: DMLP, equation 6, to which we add a ridge.

    Args:
        features: float tensor `[M, D]`, features F.
        labels: float tensor `[M, K]`, labels Y; any real numbers.
        ridge: float >= 0, weight of the squared weights relative to the mean
            square of a feature, `tr(F^T F) / D`; 0 for none. Without a ridge,
            features of deficient rank have no solution: NaN, or the error of
            `tf.linalg.cholesky`.

    Returns:
        Float tensor `[D, K]`, weights W in the dtype of the labels.

    Raises:
        ValueError: If features and labels are not matrices with as many rows.
    """
    features, labels = _pair(features, labels, "features", "labels")
    # The released code inverts `F^T F` without a ridge and in float32, which
    # fails on features of deficient rank, such as dead ReLU units.
    wide = tf.cast(features, tf.float64)
    moments = tf.matmul(wide, tf.cast(labels, tf.float64), transpose_a=True)
    factor = tf.linalg.cholesky(gram(features, ridge))
    return tf.cast(tf.linalg.cholesky_solve(factor, moments), labels.dtype)


def purification_loss(
    labels: TensorLike,
    features: TensorLike,
    val_features: TensorLike,
    val_labels: TensorLike,
    ridge: float = 1e-3,
    form: str = "code",
) -> tf.Tensor:
    """Loss on trusted samples of the classifier that given labels define.

    Differentiable in the labels. Source: DMLP, equation 8.

    Args:
        labels: float tensor `[M, K]`, labels Y of the training samples; any
            real numbers.
        features: float tensor `[M, D]`, features F of the same samples.
        val_features: float tensor `[V, D]`, features of trusted samples.
        val_labels: float tensor `[V, K]`, their label distributions.
        ridge: float >= 0: see `solve`.
        form: str, form of the loss: see `response_loss`.

    Returns:
        Float scalar tensor.

    Raises:
        ValueError: If the form is unknown or the shapes do not match.

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
    for name, (train, val) in pairs.items():
        if not train.shape[1:].is_compatible_with(val.shape[1:]):
            raise ConfigurationError(
                f"Expected `{name}` and `val_{name}` with as many columns. "
                f"Received: shapes {train.shape} and {val.shape}"
            )
    weights = solve(features, labels, ridge)
    outputs = tf.cast(features, weights.dtype) @ weights
    val_outputs = tf.cast(val_features, weights.dtype) @ weights
    val_labels = tf.cast(val_labels, weights.dtype)
    return response_loss(val_outputs, val_labels, outputs, form)


def response_loss(
    val_outputs: tf.Tensor,
    val_labels: tf.Tensor,
    outputs: tf.Tensor,
    form: str = "code",
    weight: tf.Tensor | None = None,
    prior: tf.Tensor | None = None,
) -> tf.Tensor:
    """Loss of linear outputs, which regress to one-hot labels.

    Args:
        val_outputs: float tensor `[V, K]`, linear outputs P on trusted samples.
        val_labels: float tensor `[V, K]`, labels of the trusted samples.
        outputs: float tensor `[M, K]`, linear outputs on the training samples.
            Used by the form `"code"` only.
        form: str. `"code"`, as released: the mean cross-entropy with P as
            logits, plus the sum of squared errors, plus the class-balance
            penalty of the training outputs as logits. `"paper"`: the mean over
            samples of the squared error, plus the mean entropy of `softmax(P)`.
        weight: float tensor `[M]`, weights of the training samples; None weighs
            all samples equally.
        prior: float tensor `[K]`, class prior of the penalty; None takes the
            uniform one.

    Returns:
        Float scalar tensor.

    Raises:
        ValueError: If the form is unknown.
    """
    if form not in FORMS:
        raise ConfigurationError(
            f"Expected a form, one of {FORMS}. Received: {form!r}"
        )
    squared = tf.reduce_sum(tf.square(val_outputs - val_labels), axis=-1)
    if form == "paper":
        return tf.reduce_mean(squared) - losses.negative_entropy(val_outputs)
    # The three terms of `loss_v1` in the released code, which uses the linear
    # outputs as logits and sums the squared errors over samples and classes.
    entropy = losses.cross_entropy(val_labels, val_outputs)
    return (
        tf.reduce_mean(entropy)
        + tf.reduce_sum(squared)
        + losses.class_balance_penalty(outputs, weight, prior)
    )


class Correction(NamedTuple):
    """Gradient of the loss on trusted samples to the labels.

    Attributes:
        direction: float tensor `[D, K]`, V. The gradient of the loss to the
            labels is `F V`.
        loss: float scalar tensor: see `response_loss`.
        weights: float tensor `[D, K]`, the classifier that the labels define.
        outputs: float tensor `[M, K]`, its linear outputs on the training
            samples.
    """

    direction: tf.Tensor
    loss: tf.Tensor
    weights: tf.Tensor
    outputs: tf.Tensor


def correction(
    moments: tf.Tensor,
    features: tf.Tensor,
    whitening: tf.Tensor,
    val_features: tf.Tensor,
    val_labels: tf.Tensor,
    form: str = "code",
    weight: tf.Tensor | None = None,
    prior: tf.Tensor | None = None,
) -> Correction:
    """Value of `purification_loss` and its gradient, from a factor of A.

    The labels enter by their moments alone, and their gradient has at most rank
    D: `dL/dY = F A^-1 (F_v^T dL/dP + F^T dL/dZ)` with `A^-1 = R^T R`. The last
    product with F is left to the caller, who may take it with the features of
    other samples.

    Args:
        moments: float tensor `[D, K]`, `F^T Y` over the rows whose weight is 1.
        features: float tensor `[M, D]`, features F of the training samples.
        whitening: float tensor `[D, D]`, R as returned by `whitening`, of the
            rows whose weight is 1.
        val_features: float tensor `[V, D]`, features of trusted samples.
        val_labels: float tensor `[V, K]`, their labels.
        form: str, form of the loss: see `response_loss`.
        weight: float tensor `[M]` of 1 and 0; None takes ones. A row of weight
            0 does not contribute, and its gradient is that of an additional
            sample with these features.
        prior: float tensor `[K]`: see `response_loss`.

    Returns:
        A `Correction`.
    """

    def solved(sums: tf.Tensor) -> tf.Tensor:
        return tf.matmul(whitening, whitening @ sums, transpose_a=True)

    weights = solved(moments)
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
    return Correction(solved(to_weights), loss, weights, outputs)


def moments(
    features: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor | None = None
) -> tf.Tensor:
    """Moments `F^T Y` over the rows whose weight is 1.

    Args:
        features: float tensor `[M, D]`.
        labels: float tensor `[M, K]`.
        weight: float tensor `[M]` of 1 and 0; None takes ones.

    Returns:
        Float tensor `[D, K]`.
    """
    weighted = labels if weight is None else labels * weight[:, None]
    return tf.matmul(features, weighted, transpose_a=True)


def gram(features: TensorLike, ridge: float) -> tf.Tensor:
    """Regularised Gram matrix `A = F^T F + ridge * tr(F^T F) / D * I`.

    Args:
        features: float tensor `[M, D]`, features F.
        ridge: float >= 0: see `solve`.

    Returns:
        Float64 tensor `[D, D]`.
    """
    wide = tf.cast(features, tf.float64)
    squares = tf.matmul(wide, wide, transpose_a=True)
    added = absolute_ridge(features, ridge)
    return tf.linalg.set_diag(squares, tf.linalg.diag_part(squares) + added)


def absolute_ridge(features: TensorLike, ridge: float) -> tf.Tensor:
    """Number that a relative ridge adds to the diagonal of the Gram matrix.

    Args:
        features: float tensor `[M, D]`.
        ridge: float >= 0, relative: see `solve`.

    Returns:
        Float64 scalar tensor.
    """
    wide = tf.cast(features, tf.float64)
    mean_square = tf.reduce_sum(tf.square(wide)) / wide.shape[1]
    return tf.cast(ridge, tf.float64) * mean_square


def whitening(matrix: tf.Tensor) -> tf.Tensor:
    """Matrix R with `R^T R = A^-1`, from the Cholesky factor of A.

    Args:
        matrix: float64 tensor `[D, D]`, A as returned by `gram`.

    Returns:
        Float64 tensor `[D, D]`, lower triangular. Where A is singular: NaN, or
        the error of `tf.linalg.cholesky`.
    """
    factor = tf.linalg.cholesky(matrix)
    identity = tf.eye(matrix.shape[0], dtype=matrix.dtype)
    return tf.linalg.triangular_solve(factor, identity)


def extreme_eigenvalues(
    matrix: tf.Tensor, whitening: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Largest and smallest eigenvalue by power iteration.

    Takes a few dozen products instead of a decomposition. The largest
    eigenvalue is underestimated and the smallest one overestimated, by a few
    per cent at most.

    Args:
        matrix: float64 tensor `[D, D]`, A as returned by `gram`.
        whitening: float64 tensor `[D, D]`, its R as returned by `whitening`.

    Returns:
        Tuple of two float64 scalar tensors, the largest and the smallest
        eigenvalue. Their ratio is the condition number.
    """

    def greatest(product: Callable) -> tf.Tensor:
        # Neither constant nor periodic, so that it has a component along any
        # eigenvector.
        size = tf.range(matrix.shape[0], dtype=matrix.dtype)
        start = (1.0 + tf.sin(1.0 + size * size))[:, None]

        def step(
            vector: tf.Tensor, _: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
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


def as_distributions(values: tf.Tensor) -> tf.Tensor:
    """Projects rows of real numbers to label distributions.

    Negative entries become 0 and rows are divided by their sums. A row without
    a positive entry becomes the one-hot vector of its largest entry. The top
    class never changes.

    Args:
        values: float tensor `[N, K]`.

    Returns:
        Float tensor `[N, K]`, non-negative rows summing to 1. NaN stays NaN.
    """
    positive = tf.nn.relu(values)
    total = tf.reduce_sum(positive, axis=-1, keepdims=True)
    top = tf.one_hot(
        tf.argmax(values, axis=-1), values.shape[-1], dtype=values.dtype
    )
    scaled = tf.math.divide_no_nan(positive, total)
    return tf.where(total <= 1e-6, top, scaled)  # NaN stays NaN.


def _pair(
    first: TensorLike, second: TensorLike, *names: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """Converts two matrices to float tensors and checks their rows."""
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
