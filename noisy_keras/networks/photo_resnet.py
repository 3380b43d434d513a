"""ResNet with bottleneck blocks for photographs.

A 7x7 stem of stride 2 and 3x3 max pooling, then four stages with activations
after the sum. The stride of a block is in its second convolution ("version
1.5") instead of its first, which the paper has.

Reference: He et al., Deep Residual Learning for Image Recognition, CVPR 2016,
table 1. Details follow `torchvision.models.resnet50`, which most published
codes for Clothing1M and WebVision train.
"""

import functools

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

_DEPTHS = (3, 4, 6, 3)

_conv = functools.partial(blocks.conv, scaling=blocks.HE_FAN_OUT)


def resnet50(image_shape, num_classes, normalization, width=64):
    """ResNet-50: 23.5 million parameters at width 64, plus the classifier.

    Args:
        image_shape: `(H, W, C)`; 224x224 images end in a 7x7 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the stem and of the first stage's
            bottlenecks. It doubles from stage to stage; blocks have four times
            the channels of their bottleneck as output.

    Returns:
        A `keras.Model` with features `[B, H / 32, W / 32, 32 * width]`.
    """
    inputs, x = blocks.images(image_shape, normalization)
    x = blocks.activated(_conv(x, width, stride=2, kernel_size=7))
    # Zeros are never above the output of a ReLU, so that padding with them
    # does not change the maxima.
    x = keras.layers.ZeroPadding2D(1)(x)
    x = keras.layers.MaxPooling2D(3, strides=2)(x)
    for stage, depth in enumerate(_DEPTHS):
        narrow = width * 2**stage
        x = _block(x, narrow, stride=2 if stage > 0 else 1, projected=True)
        for _ in range(depth - 1):
            x = _block(x, narrow)
    return with_head(inputs, x, num_classes, "resnet50")


def _block(x, narrow, stride=1, projected=False):
    y = blocks.activated(_conv(x, narrow, kernel_size=1))
    y = blocks.activated(_conv(y, narrow, stride))
    y = blocks.normalized(_conv(y, 4 * narrow, kernel_size=1))
    if projected:
        x = blocks.normalized(_conv(x, 4 * narrow, stride, kernel_size=1))
    return keras.layers.ReLU()(blocks.added(y, x))
