"""Decoders from a feature map back to the picture (SANM's reconstruction).

Reference: Tu et al. (SANM), CVPR 2023, eq. (9); the official stacks are the
released code's.
"""

import math

import keras

from noisy_keras.utils.errors import ConfigurationError

# Per feature-map and image size: kernel, stride and output padding of the
# three transposed convolutions. An output padding of None is Keras' own rule.
_OFFICIAL = {
    (4, 32): ((4, 2, None), (6, 1, None), (4, 2, None)),
    (7, 224): ((6, 3, 1), (2, 3, 1), (2, 3, 0)),
}

KINDS = ("generic", "official")


def build_decoder(kind: str, feature_shape, image_shape, name="decoder"):
    """Builds a decoder.

    Args:
        kind: `"generic"` doubles the size with transposed convolutions and
            ReLU until it reaches the image's, for any feature map;
            `"official"` is the released code's linear stack of three, for 4x4
            maps of 32-pixel images and 7x7 maps of 224-pixel images.
        feature_shape: `(h, w, D)`.
        image_shape: `(H, W, C)`.
        name: of the model.

    Returns:
        A `keras.Model` from `[B, h, w, D]` to float32 `[B, H, W, C]`.

    Raises:
        ValueError: an unknown kind, or sizes that the official decoder lacks.
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
    # 256 and 128 channels at full width; narrower networks get narrower ones.
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
