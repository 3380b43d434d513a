"""Inception-ResNet-v2, the network of mini-WebVision.

The backbone is that of `keras.applications`, with random weights; pixels are
standardised and the head is as in the other networks here. Published codes
train it on images of 299 pixels.

Reference: Szegedy et al., Inception-v4, Inception-ResNet and the Impact of
Residual Connections on Learning, AAAI 2017.
"""

import warnings

import keras

from noisy_keras.networks import head
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils.errors import ConfigurationError

# Side of the smallest images that the backbone takes; smaller ones are resized.
_LEAST = 75


def inception_resnet_v2(image_shape, num_classes, normalization):
    """Inception-ResNet-v2: 54.3 million parameters, plus the classifier.

    Args:
        image_shape: `(H, W, C)` with 3 channels, or 1, which is repeated;
            299x299 images end in an 8x8 feature map. Sides below 75 pixels are
            resized to that within the network.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`.

    Returns:
        A `keras.Model` with features `[B, h, w, 1536]`.

    Raises:
        ConfigurationError: another number of channels.
    """
    channels = image_shape[-1]
    if channels not in (1, 3):
        raise ConfigurationError(
            "Expected images of 3 channels, or 1, for inception_resnet_v2. "
            f"Received: image_shape={tuple(image_shape)}"
        )

    def preprocessing(images):
        x = PixelNormalization(**normalization, name="pixels")(images)
        if channels == 1:
            x = keras.layers.Concatenate(name="colours")([x, x, x])
        return x

    backbone = keras.applications.InceptionResNetV2(
        include_top=False,
        weights=None,
        input_shape=(*(max(_LEAST, side) for side in image_shape[:2]), 3),
        name="inception_resnet_v2",
    )
    with warnings.catch_warnings():
        # About regularizers: the package has its own weight decay.
        warnings.simplefilter("ignore")
        return head.from_backbone(
            backbone, num_classes, preprocessing, image_shape
        )
