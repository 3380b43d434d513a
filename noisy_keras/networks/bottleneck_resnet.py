"""Pre-activation ResNet with bottleneck blocks for small images.

The structure is version 2 of the CIFAR-10 ResNet example of Keras, of depth 9n
+ 2. Initialisation, normalisation and the absence of biases in convolutions
follow the released code of IEG, `ieg/nets/cifar_resnetv2.py` of
https://github.com/google-research/google-research.

Reference: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016;
Zhang et al., Distilling Effective Supervision from Severe Label Noise (IEG),
CVPR 2020.
"""

import functools

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

_conv = functools.partial(blocks.conv, scaling=blocks.GLOROT_NORMAL)


def resnet29(image_shape, num_classes, normalization, width=64):
    """ResNet-29 v2, the smaller network of IEG: 0.84 million parameters.

    The released code of IEG omits the ReLU before the first convolution of
    every block. The Keras example that it follows omits it in the first block
    only, and so does this network.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of output channels of the first stage. Its
            bottlenecks and the stem have a quarter of them; the bottlenecks of
            the other two stages have half of the channels of their stage.

    Returns:
        A `keras.Model` with features `[B, H / 4, W / 4, 4 * width]`.
    """
    inputs, x = blocks.images(image_shape, normalization)
    narrow = max(1, width // 4)
    # The first block starts from the stem's output, which is activated already.
    x = blocks.activated(_conv(x, narrow))
    x = _stage(x, narrow, width, 1, active=x)
    x = _stage(x, width, 2 * width, 2)
    x = _stage(x, 2 * width, 4 * width, 2)
    return with_head(
        inputs,
        blocks.activated(x),
        num_classes,
        "resnet29",
        scaling=blocks.GLOROT_UNIFORM,
        zero_bias=True,
    )


def _stage(x, narrow, channels, stride, active=None):
    """Three blocks; `active` is the activated input, if it exists already."""
    skip = _conv(x, channels, stride, kernel_size=1)
    x = blocks.added(_residual(x, narrow, channels, stride, active), skip)
    for _ in range(2):
        x = blocks.added(_residual(x, narrow, channels), x)
    return x


def _residual(x, narrow, channels, stride=1, active=None):
    active = blocks.activated(x) if active is None else active
    y = _conv(active, narrow, stride, kernel_size=1)
    y = _conv(blocks.activated(y), narrow)
    return _conv(blocks.activated(y), channels, kernel_size=1)
