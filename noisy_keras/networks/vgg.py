"""VGG-19 with batch normalisation, the network of Animal-10N.

Sixteen 3x3 convolutions in five blocks with max pooling, then two hidden layers
of 4096 units with dropout, the second of which is the embedding. The feature
map is pooled to 7x7 first, or repeated where it is smaller, so that images may
have any size from 32 pixels.

The logits are no linear function of the feature map. Class activation maps
therefore do not exist; SANM takes `activation="energy"`.

Reference: Simonyan and Zisserman, Very Deep Convolutional Networks for
Large-Scale Image Recognition, ICLR 2015, table 1, column E. Details follow
`torchvision.models.vgg19_bn`, which published codes for Animal-10N train.
"""

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head
from noisy_keras.utils.errors import ConfigurationError

#: Side of the smallest images: their map has one pixel.
LEAST = 32

# Number of convolutions by block, and their channels in multiples of the width.
_BLOCKS = ((2, 1), (2, 2), (4, 4), (4, 8), (4, 8))
_POOLED = 7
# Units of the hidden layers, in multiples of the width.
_HIDDEN = 64
_DROPOUT = 0.5
# Standard deviation of the weights of dense layers.
_SPREAD = 0.01


def vgg19_bn(image_shape, num_classes, normalization, width=64):
    """VGG-19: 139.6 million parameters at width 64 and 10 classes.

    Args:
        image_shape: `(H, W, C)`; 64x64 images end in a 2x2 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first block; all others and the
            hidden units are in proportion.

    Returns:
        A `keras.Model` with features `[B, H // 32, W // 32, 8 * width]` and an
        embedding of `64 * width`.

    Raises:
        ConfigurationError: images of fewer than 32 pixels.
    """
    if min(image_shape[:2]) < LEAST:
        raise ConfigurationError(
            f"Expected images of at least {LEAST} pixels for vgg19_bn, which "
            f"halves them five times. Received: image_shape={image_shape}"
        )
    inputs, x = blocks.images(image_shape, normalization)
    for count, factor in _BLOCKS:
        for _ in range(count):
            x = blocks.activated(
                blocks.conv(x, factor * width, scaling=blocks.HE_FAN_OUT)
            )
        x = keras.layers.MaxPooling2D(2)(x)
    embedding = keras.layers.AdaptiveAveragePooling2D(_POOLED)(x)
    embedding = keras.layers.Flatten()(embedding)
    units = _HIDDEN * width
    for name in (None, "embedding"):
        embedding = keras.layers.Dense(
            units,
            activation="relu",
            kernel_initializer=keras.initializers.RandomNormal(0.0, _SPREAD),
        )(embedding)
        embedding = keras.layers.Dropout(_DROPOUT, name=name)(embedding)
    return with_head(
        inputs,
        x,
        num_classes,
        "vgg19_bn",
        scaling=(units * _SPREAD**2, "fan_in", "untruncated_normal"),
        zero_bias=True,
        embedding=embedding,
    )
