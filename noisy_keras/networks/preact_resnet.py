"""Pre-activation ResNets for small images.

As the codes of DivideMix, SANM, DRPL and ELR+ have them: batch normalisation
and ReLU after the stem, identity skips that carry the *activated* tensor, and
no normalisation after the last stage.

Reference: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016;
structure as in section 0.5 of the DivideMix and SANM codes.
"""

import keras

from noisy_keras.networks.head import with_head
from noisy_keras.networks.layers import FusedBatchNormalization
from noisy_keras.networks.layers import PixelNormalization


def preact_resnet18(image_shape, num_classes, normalization, width=64):
    """PreAct ResNet-18: 11.2 million parameters at width 64.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 4x4 feature map.
        num_classes: K.
        normalization: dict of arguments of `PixelNormalization`.
        width: channels of the first stage.

    Returns:
        A network with features `[B, H / 8, W / 8, 8 * width]`.
    """
    return _preact_resnet(
        image_shape,
        num_classes,
        normalization,
        stem_stride=1,
        stages=[(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)],
        blocks=2,
        name="preact_resnet18",
    )


def tiny(image_shape, num_classes, normalization, width=16):
    """A network of 80 thousand parameters for tests and the digits.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 4x4 feature map.
        num_classes: K.
        normalization: dict of arguments of `PixelNormalization`.
        width: channels of the first stage.

    Returns:
        A network with features `[B, H / 8, W / 8, 4 * width]`.
    """
    return _preact_resnet(
        image_shape,
        num_classes,
        normalization,
        stem_stride=2,
        stages=[(width, 1), (2 * width, 2), (4 * width, 2)],
        blocks=1,
        name="tiny",
    )


def _preact_resnet(
    image_shape, num_classes, normalization, stem_stride, stages, blocks, name
):
    inputs = keras.Input(image_shape, name="images")
    x = PixelNormalization(**normalization, name="pixels")(inputs)
    x = _activated(_conv(x, stages[0][0], stride=stem_stride))
    for channels, stride in stages:
        for block in range(blocks):
            x = _block(x, channels, stride if block == 0 else 1)
    return with_head(inputs, x, num_classes, name)


def _block(x, channels, stride):
    active = _activated(x)
    skip = active
    if stride != 1 or x.shape[-1] != channels:
        skip = _conv(active, channels, stride, kernel_size=1)
    y = _conv(active, channels, stride)
    y = _conv(_activated(y), channels)
    return keras.layers.Add()([y, skip])


def _activated(x):
    return keras.layers.ReLU()(FusedBatchNormalization()(x))


def _conv(x, channels, stride=1, kernel_size=3):
    padding = "same"
    if stride > 1 and kernel_size > 1:
        # PyTorch pads all four sides; "same" would pad only two of them.
        x = keras.layers.ZeroPadding2D(kernel_size // 2)(x)
        padding = "valid"
    return keras.layers.Conv2D(
        channels,
        kernel_size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            1 / 3, "fan_in", "uniform"
        ),
    )(x)
