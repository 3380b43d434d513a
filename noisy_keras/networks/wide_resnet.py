"""Wide ResNets in the form that IEG trains.

They differ from the paper's: shortcuts to a wider stage average and pad with
zero channels instead of a projection, every stage adds its input to its
output, and the output of the stem is added to that of the last stage. There
is no dropout.

Reference: Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016;
structure and initialisation as in the released code of IEG (Zhang et al.,
Distilling Effective Supervision from Severe Label Noise, CVPR 2020).
"""

import functools

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

_BLOCKS = 4  # Of two convolutions in each of three stages: (28 - 4) / 6.
_STEM_CHANNELS = 16

_conv = functools.partial(
    blocks.conv, scaling=blocks.HE_FAN_OUT, padding="same"
)


def wide_resnet28_10(image_shape, num_classes, normalization, width=160):
    """Wide ResNet-28-10: 36.2 million parameters at width 160.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: K.
        normalization: dict of arguments of `PixelNormalization`.
        width: channels of the first stage, 16 times the paper's widening
            factor. The stem has 16, or `width` if that is less.

    Returns:
        A network with features `[B, H / 4, W / 4, 4 * width]`.
    """
    return _wide_resnet28(
        image_shape, num_classes, normalization, width, "wide_resnet28_10"
    )


def wide_resnet28_2(image_shape, num_classes, normalization, width=32):
    """Wide ResNet-28-2, of EG's baseline: 1.5 million parameters at width 32.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: K.
        normalization: dict of arguments of `PixelNormalization`.
        width: channels of the first stage, 16 times the paper's widening
            factor. The stem has 16, or `width` if that is less.

    Returns:
        A network with features `[B, H / 4, W / 4, 4 * width]`.
    """
    return _wide_resnet28(
        image_shape, num_classes, normalization, width, "wide_resnet28_2"
    )


def _wide_resnet28(image_shape, num_classes, normalization, width, name):
    inputs, x = blocks.images(image_shape, normalization)
    stem = _conv(x, min(_STEM_CHANNELS, width))
    # The first block of all shares its activation with its shortcut; what
    # the stage and the network add is the stem's output as it is.
    x = _stage(stem, width, 1, first=blocks.activated(stem))
    x = _stage(x, 2 * width, 2)
    x = _stage(x, 4 * width, 2)
    x = blocks.added(x, blocks.fitted(stem, 4 * width, 4, window=4))
    return with_head(
        inputs,
        blocks.activated(x),
        num_classes,
        name,
        # Uniform within 1 / sqrt(K), the number of classes.
        scaling=(1 / 3, "fan_out", "uniform"),
        zero_bias=True,
    )


def _stage(x, channels, stride, first=None):
    """Blocks and their residual; `first`: what the first one starts from."""
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
