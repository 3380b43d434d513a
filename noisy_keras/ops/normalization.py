"""Batch normalisation by TensorFlow's fused kernels, twice differentiable.

TensorFlow differentiates the gradient of its fused kernel by some thirty
unfused operations, even where only a directional derivative is needed, as in
meta-learning. That derivative takes two fused kernels, because the map from
output gradients to input gradients is its own transpose.
"""

import tensorflow as tf


def batch_normalize(
    x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalises a batch by its own statistics.

    Args:
        x: float tensor `[B, H, W, C]` of any float dtype.
        scale: float32 tensor `[C]`, gamma.
        offset: float32 tensor `[C]`, beta.
        epsilon: float, added to the variance.

    Returns:
        Tuple of the normalised tensor `[B, H, W, C]` in the dtype of `x`, and
        the mean and the unbiased variance of the batch, float32 tensors `[C]`
        without gradient.
    """
    empty = tf.constant([], tf.float32)
    options = {"epsilon": epsilon, "is_training": True}

    def forward(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple:
        return tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=scale,
            offset=offset,
            mean=empty,
            variance=empty,
            **options,
        )

    @tf.custom_gradient
    def normalize(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tuple:
        y, mean, variance, *reserved = forward(x, scale, offset)

        def plain(dy: tf.Tensor, x: tf.Tensor, scale: tf.Tensor) -> tuple:
            return tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=dy,
                x=x,
                scale=scale,
                reserve_space_1=reserved[0],
                reserve_space_2=reserved[1],
                reserve_space_3=reserved[2],
                **options,
            )[:3]

        @tf.custom_gradient
        def backward(dy: tf.Tensor, x: tf.Tensor, scale: tf.Tensor) -> tuple:
            def second(*tangents: tf.Tensor) -> tuple:
                t_x, t_scale, t_offset = tangents
                along = plain(t_x, x, scale)[0]
                along += forward(x, t_scale, t_offset)[0]
                # A compiled function prunes these where they are not used.
                with tf.GradientTape() as tape:
                    tape.watch([x, scale])
                    outputs = plain(dy, x, scale)
                others = tape.gradient(
                    outputs, [x, scale], output_gradients=list(tangents)
                )
                return (along, *others)

            return tuple(plain(dy, x, scale)), second

        def first(dy: tf.Tensor, *_: tf.Tensor) -> tuple:
            return backward(dy, x, scale)

        return (y, mean, variance), first

    y, mean, variance = normalize(x, scale, offset)
    return y, tf.stop_gradient(mean), tf.stop_gradient(variance)
