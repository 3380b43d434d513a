"""The plain convolutional network of Co-teaching.

Nine 3x3 convolutions in three blocks, each with batch normalisation and leaky
ReLU; max pooling and spatial dropout follow the first two blocks. The last
block has no padding, so that an 8x8 map shrinks to 2x2.

Reference: Han et al., Co-teaching: Robust Training of Deep Neural Networks with
Extremely Noisy Labels, NeurIPS 2018, table 2; dropout as in its code
(https://github.com/bhanML/Co-teaching).
"""

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head
from noisy_keras.utils.errors import ConfigurationError

#: Side of the smallest images: their map has one pixel in the end.
LEAST = 28

# Channels of the convolutions by block, in multiples of the width.
_BLOCKS = ((1, 1, 1), (2, 2, 2), (4, 2, 1))
_SLOPE, _DROPOUT = 0.01, 0.25


def cnn9(image_shape, num_classes, normalization, width=128):
    """The 9-layer CNN of Co-teaching: 4.4 million parameters at width 128.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 2x2 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first block.

    Returns:
        A `keras.Model` with features `[B, H // 4 - 6, W // 4 - 6, width]`.

    Raises:
        ConfigurationError: images of fewer than 28 pixels.
    """
    if min(image_shape[:2]) < LEAST:
        raise ConfigurationError(
            f"Expected images of at least {LEAST} pixels for cnn9, whose last "
            f"convolutions have no padding. Received: image_shape={image_shape}"
        )
    inputs, x = blocks.images(image_shape, normalization)
    for number, factors in enumerate(_BLOCKS):
        last = number == len(_BLOCKS) - 1
        for factor in factors:
            x = _convolution(x, factor * width, "valid" if last else "same")
        if not last:
            x = keras.layers.MaxPooling2D(2)(x)
            x = keras.layers.SpatialDropout2D(_DROPOUT)(x)
    return with_head(inputs, x, num_classes, "cnn9")


def _convolution(x, channels, padding):
    x = blocks.normalized(blocks.conv(x, channels, padding=padding))
    return keras.layers.LeakyReLU(_SLOPE)(x)
