"""ResNet of bottleneck blocks for photographs.

A 7x7 stem of stride 2 and a maximum over 3x3, then four stages; activations
after the sum. The second convolution of a block has its stride ("version
1.5"), not the first one.

Reference: He et al., Deep Residual Learning for Image Recognition, CVPR 2016,
table 1; details as in torchvision, whose ResNet-50 most published codes for
Clothing1M and WebVision train.
"""

import functools

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

_DEPTHS = (3, 4, 6, 3)

_conv = functools.partial(blocks.conv, scaling=blocks.HE_FAN_OUT)


def resnet50(image_shape, num_classes, normalization, width=64):
    """ResNet-50: 23.5 million parameters at width 64, and the classifier's.

    Args:
        image_shape: `(H, W, C)`; 224x224 images end in a 7x7 feature map.
        num_classes: K.
        normalization: dict of arguments of `PixelNormalization`.
        width: channels of the stem and of the first stage's bottlenecks; each
            stage has twice those of the last one, and four times as many
            between blocks.

    Returns:
        A network with features `[B, H / 32, W / 32, 32 * width]`.
    """
    inputs, x = blocks.images(image_shape, normalization)
    x = blocks.activated(_conv(x, width, stride=2, kernel_size=7))
    # What came out of a ReLU is nowhere below the zeros around it.
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
