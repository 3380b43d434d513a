"""Decoders from feature maps to images, for the reconstruction of SANM.

Reference: Tu et al. (SANM), CVPR 2023, equation (9). The official decoders are
those of the class `Decoder` in `resnetc2d.py` of
https://github.com/yuanpengtu/SANM, which has neither activations nor
normalisation between its layers.
"""

import math

import keras

from noisy_keras.utils.errors import ConfigurationError

# Kernel size, stride and output padding of the three transposed convolutions,
# by size of the feature map and of the image. None is the default of Keras.
_OFFICIAL = {
    (4, 32): ((4, 2, None), (6, 1, None), (4, 2, None)),
    (7, 224): ((6, 3, 1), (2, 3, 1), (2, 3, 0)),
}

KINDS = ("generic", "official")


def build_decoder(kind: str, feature_shape, image_shape, name="decoder"):
    """Builds a decoder from a feature map to an image.

    Args:
        kind: str. `"generic"` doubles the size by transposed convolutions with
            ReLU until it reaches that of the image, for any feature map.
            `"official"` is the linear stack of three transposed convolutions of
            the released code, for 4x4 maps of 32-pixel images and 7x7 maps of
            224-pixel images.
        feature_shape: `(h, w, D)`, shape of the feature map.
        image_shape: `(H, W, C)`, shape of the image.
        name: str, name of the model.

    Returns:
        A `keras.Model` from `[B, h, w, D]` to float32 `[B, H, W, C]`.

    Raises:
        ValueError: If the kind is unknown, or there is no official decoder for
            these sizes.
    """
    if kind not in KINDS:
        raise ConfigurationError(
            f"Expected `decoder` to be one of {KINDS}. Received: {kind!r}"
        )
    inputs = keras.Input(feature_shape, name="features")
    build = _official if kind == "official" else _generic
    outputs = build(inputs, feature_shape, image_shape)
    return keras.Model(inputs, outputs, name=name)


def _official(x, feature_shape, image_shape):
    sizes = (feature_shape[0], image_shape[0])
    square = feature_shape[0] == feature_shape[1]
    if sizes not in _OFFICIAL or not square or image_shape[0] != image_shape[1]:
        raise ConfigurationError(
            "Expected square (feature map, image) sizes of the official "
            f"decoder, one of {sorted(_OFFICIAL)}. Received: feature map "
            f"{tuple(feature_shape[:2])}, image {tuple(image_shape[:2])}; use "
            "decoder='generic'."
        )
    depth = feature_shape[2]
    # 256 and 128 channels, as released, for networks of full width; narrower
    # networks get narrower decoders.
    channels = (min(256, depth // 2), min(128, depth // 4), image_shape[2])
    for size, (kernel, stride, padding) in zip(
        channels, _OFFICIAL[sizes], strict=True
    ):
        x = keras.layers.Conv2DTranspose(
            max(1, size),
            kernel,
            strides=stride,
            padding="valid",
            output_padding=padding,
            dtype="float32" if size == image_shape[2] else None,
        )(x)
    return x


def _generic(x, feature_shape, image_shape):
    factors = [
        i / f for i, f in zip(image_shape[:2], feature_shape[:2], strict=True)
    ]
    doublings = max(1, math.ceil(math.log2(max(factors))))
    channels = min(256, feature_shape[2])
    for _ in range(doublings - 1):
        channels = max(8, channels // 2)
        x = keras.layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", activation="relu"
        )(x)
    x = keras.layers.Conv2DTranspose(
        image_shape[2], 4, strides=2, padding="same", dtype="float32"
    )(x)
    if x.shape[1:3] != tuple(image_shape[:2]):
        x = keras.layers.CenterCrop(*image_shape[:2], dtype="float32")(x)
    return x
