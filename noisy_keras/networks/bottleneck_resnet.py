"""Pre-activation ResNet of bottleneck blocks for small images.

Reference: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016;
structure as version 2 of the CIFAR example of Keras, depth 9n + 2;
initialisation, normalisation and the absence of biases in convolutions as in
the released code of IEG (Zhang et al., Distilling Effective Supervision from
Severe Label Noise, CVPR 2020).
"""

import functools

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

_conv = functools.partial(blocks.conv, scaling=blocks.GLOROT_NORMAL)


def resnet29(image_shape, num_classes, normalization, width=64):
    """ResNet-29 v2, IEG's smaller network: 0.84 million parameters.

    IEG's code has no ReLU before the first convolution of any block, though
    the example that it follows leaves it out in the first block alone. Here
    it is where the example has it.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: K.
        normalization: dict of arguments of `PixelNormalization`.
        width: channels of the first stage; its bottlenecks and the stem have
            a quarter of them, those of the two other stages half of theirs.

    Returns:
        A network with features `[B, H / 4, W / 4, 4 * width]`.
    """
    inputs, x = blocks.images(image_shape, normalization)
    narrow = max(1, width // 4)
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
    """Three blocks; `active`: what the first one starts from, if x is it."""
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
