"""Pre-activation ResNets for small images.

They follow `PreResNet.py` of the released code of DivideMix,
https://github.com/LiJunnan1992/DivideMix, which SANM, DRPL and ELR+ use as
well: batch normalisation and ReLU after the stem, identity shortcuts that carry
the activated tensor, and no normalisation after the last stage.

Reference: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016.
"""

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head


def preact_resnet18(image_shape, num_classes, normalization, width=64):
    """PreAct ResNet-18: 11.2 million parameters at width 64.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 4x4 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage.

    Returns:
        A `keras.Model` with features `[B, H / 8, W / 8, 8 * width]`.
    """
    return _preact_resnet(
        image_shape,
        num_classes,
        normalization,
        stem_stride=1,
        stages=[(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)],
        depth=2,
        name="preact_resnet18",
    )


def tiny(image_shape, num_classes, normalization, width=16):
    """A network of 80 thousand parameters, for tests and the digits data set.

    Args:
        image_shape: `(H, W, C)`; 32x32 images end in a 4x4 feature map.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.
        width: int, number of channels of the first stage.

    Returns:
        A `keras.Model` with features `[B, H / 8, W / 8, 4 * width]`.
    """
    return _preact_resnet(
        image_shape,
        num_classes,
        normalization,
        stem_stride=2,
        stages=[(width, 1), (2 * width, 2), (4 * width, 2)],
        depth=1,
        name="tiny",
    )


def _preact_resnet(
    image_shape, num_classes, normalization, stem_stride, stages, depth, name
):
    inputs, x = blocks.images(image_shape, normalization)
    x = blocks.activated(blocks.conv(x, stages[0][0], stride=stem_stride))
    for channels, stride in stages:
        for number in range(depth):
            x = _block(x, channels, stride if number == 0 else 1)
    return with_head(inputs, x, num_classes, name)


def _block(x, channels, stride):
    active = blocks.activated(x)
    # As `PreActBlock.forward` of the released codes: without a projection, the
    # shortcut carries the activated tensor. The paper's carries x itself.
    skip = active
    if stride != 1 or x.shape[-1] != channels:
        skip = blocks.conv(active, channels, stride, kernel_size=1)
    y = blocks.conv(active, channels, stride)
    y = blocks.conv(blocks.activated(y), channels)
    return blocks.added(y, skip)
