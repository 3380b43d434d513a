"""ResNets with activations after the sum, for small images.

A 3x3 stem of stride 1 without pooling and basic blocks of two convolutions.
Convolutions have no bias.

Reference: He et al., Deep Residual Learning for Image Recognition, CVPR 2016.
Details follow the released codes of C2D (resnet18), ELR (resnet34) and
Meta-Weight-Net (resnet32).
"""

import functools

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head


def resnet18(image_shape, num_classes, normalization, width=64):
    """ResNet-18 as in C2D: 11.2 million parameters at width 64.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 4x4 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage.

    Returns:
        A `keras.Model` with features `[B, H / 8, W / 8, 8 * width]`.
    """
    return _resnet(
        image_shape,
        num_classes,
        normalization,
        width,
        depths=(2, 2, 2, 2),
        scaling=blocks.HE_FAN_OUT,
        name="resnet18",
    )


def resnet34(image_shape, num_classes, normalization, width=64):
    """ResNet-34 as in ELR: 21.3 million parameters at width 64.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 4x4 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage.

    Returns:
        A `keras.Model` with features `[B, H / 8, W / 8, 8 * width]`.
    """
    return _resnet(
        image_shape,
        num_classes,
        normalization,
        width,
        depths=(3, 4, 6, 3),
        scaling=blocks.TORCH_DEFAULT,
        name="resnet34",
    )


def resnet32(image_shape, num_classes, normalization, width=16):
    """ResNet-32 for CIFAR: 0.46 million parameters at width 16.

    Its shortcuts have no parameters: they take every second pixel and pad with
    channels of zeros (option A of the paper).

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in an 8x8 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage.

    Returns:
        A `keras.Model` with features `[B, H / 4, W / 4, 4 * width]`.
    """
    return _resnet(
        image_shape,
        num_classes,
        normalization,
        width,
        depths=(5, 5, 5),
        scaling=blocks.HE_FAN_IN,
        name="resnet32",
        shortcut=functools.partial(blocks.fitted, window=1),
        head={"scaling": blocks.HE_FAN_IN},
    )


def _resnet(
    image_shape,
    num_classes,
    normalization,
    width,
    depths,
    scaling,
    name,
    shortcut=None,
    head=None,
):
    """Builds the graph; stages halve the map and double the channels."""
    conv = functools.partial(blocks.conv, scaling=scaling)

    def projected(x, channels, stride):
        return blocks.normalized(conv(x, channels, stride, kernel_size=1))

    def block(x, channels, stride):
        y = blocks.activated(conv(x, channels, stride))
        y = blocks.normalized(conv(y, channels))
        if stride != 1 or x.shape[-1] != channels:
            x = (shortcut or projected)(x, channels, stride)
        return keras.layers.ReLU()(blocks.added(y, x))

    inputs, x = blocks.images(image_shape, normalization)
    x = blocks.activated(conv(x, width))
    for stage, depth in enumerate(depths):
        for number in range(depth):
            stride = 2 if stage > 0 and number == 0 else 1
            x = block(x, width * 2**stage, stride)
    return with_head(inputs, x, num_classes, name, **(head or {}))
