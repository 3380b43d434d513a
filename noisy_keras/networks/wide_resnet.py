"""Wide ResNets in the form that IEG trains.

They differ from the paper's in four ways: shortcuts to a wider stage use
average pooling and channels of zeros instead of a projection, every stage adds
its input to its output, the output of the stem is added to that of the last
stage, and there is no dropout.

Reference: Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016. Structure
and initialisation follow `ieg/nets/wrn.py` and `ieg/models/custom_ops.py` of
https://github.com/google-research/google-research, the released code of IEG
(Zhang et al., Distilling Effective Supervision from Severe Label Noise, CVPR
2020).
"""

import functools

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

# Blocks of two convolutions in each of three stages: (28 - 4) / 6.
_BLOCKS = 4
_STEM_CHANNELS = 16

_conv = functools.partial(
    blocks.conv, scaling=blocks.HE_FAN_OUT, padding="same"
)


def wide_resnet28_10(image_shape, num_classes, normalization, width=160):
    """Wide ResNet-28-10: 36.2 million parameters at width 160.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage, 16 times the widening
            factor of the paper. The stem has 16 channels, or `width` if that is
            less.

    Returns:
        A `keras.Model` with features `[B, H / 4, W / 4, 4 * width]`.
    """
    return _wide_resnet28(
        image_shape, num_classes, normalization, width, "wide_resnet28_10"
    )


def wide_resnet28_2(image_shape, num_classes, normalization, width=32):
    """Wide ResNet-28-2, the baseline of EG: 1.5 million parameters at width 32.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage, 16 times the widening
            factor of the paper. The stem has 16 channels, or `width` if that is
            less.

    Returns:
        A `keras.Model` with features `[B, H / 4, W / 4, 4 * width]`.
    """
    return _wide_resnet28(
        image_shape, num_classes, normalization, width, "wide_resnet28_2"
    )


def _wide_resnet28(image_shape, num_classes, normalization, width, name):
    inputs, x = blocks.images(image_shape, normalization)
    stem = _conv(x, min(_STEM_CHANNELS, width))
    # Only the first block passes the activated tensor on by its shortcut
    # (`activate_before_residual`). The residuals of the stage and of the whole
    # network start from the output of the stem, before activation (`_res_add`).
    x = _stage(stem, width, 1, first=blocks.activated(stem))
    x = _stage(x, 2 * width, 2)
    x = _stage(x, 4 * width, 2)
    x = blocks.added(x, blocks.fitted(stem, 4 * width, 4, window=4))
    return with_head(
        inputs,
        blocks.activated(x),
        num_classes,
        name,
        # `custom_ops.fc` of the released code draws the kernel uniformly from
        # +-1 / sqrt(K), where K is the number of classes.
        scaling=(1 / 3, "fan_out", "uniform"),
        zero_bias=True,
    )


def _stage(x, channels, stride, first=None):
    """Blocks of a stage and its residual.

    `first` is the activated input of the first block, if its shortcut shares
    it.
    """
    y = _block(x, channels, stride, active=first)
    for _ in range(_BLOCKS - 1):
        y = _block(y, channels)
    return blocks.added(y, blocks.fitted(x, channels, stride, window=stride))


def _block(x, channels, stride=1, active=None):
    if active is None:
        active = blocks.activated(x)
    else:
        x = active
    y = _conv(active, channels, stride)
    y = _conv(blocks.activated(y), channels)
    return blocks.added(y, blocks.fitted(x, channels, stride, window=stride))
