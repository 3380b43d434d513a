"""Vision transformers' tokens as a feature map and an embedding.

A transformer returns `[B, T, D]`: maybe a class token, maybe register tokens,
and then a token for each patch of the image, row by row.
"""

import math

import keras

from noisy_keras.utils.errors import ConfigurationError

# More register tokens than any published network has.
_MOST_PREFIX_TOKENS = 32


@keras.saving.register_keras_serializable(package="noisy_keras")
class PatchMap(keras.layers.Layer):
    """Arranges patch tokens as a feature map.

    Args:
        height: int, number of rows of patches h.
        width: int, number of columns of patches w.

    Input shape: `[B, T, D]`, with the patches last. Output shape: `[B, h, w,
    D]`.
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width = int(height), int(width)

    def call(self, tokens):
        patches = tokens[:, -self.height * self.width :]
        shape = (-1, self.height, self.width, tokens.shape[-1])
        return keras.ops.reshape(patches, shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        size = {"height": self.height, "width": self.width}
        return {**super().get_config(), **size}


@keras.saving.register_keras_serializable(package="noisy_keras")
class ClassToken(keras.layers.Layer):
    """The first token, which stands for the image.

    Input shape: `[B, T, D]`. Output shape: `[B, D]`.
    """

    def call(self, tokens):
        return tokens[:, 0]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


def split(tokens, backbone, image_size):
    """The feature map and the embedding of a transformer's tokens.

    Args:
        tokens: symbolic tensor `[B, T, D]`.
        backbone: `keras.Model` that they are from. Its attributes `patch_size`
            and `use_class_token` are used where it has them, as keras-hub's
            have.
        image_size: tuple of ints, height and width of its images in pixels.

    Returns:
        Pair of symbolic tensors: `[B, h, w, D]`, and `[B, D]`, the class token;
        None in place of it if there is none, so that the embedding is the mean
        of the map.

    Raises:
        ConfigurationError: tokens that are not those of a grid of patches.
    """
    count = tokens.shape[1]
    grid = _grid(count, getattr(backbone, "patch_size", None), image_size)
    if grid is None:
        raise ConfigurationError(
            "Expected a backbone whose tokens are those of patches, row by "
            f"row, behind a class token if there is one. Received: "
            f"{backbone.name} with {count} tokens for images of "
            f"{image_size[0]} x {image_size[1]} pixels"
        )
    features = PatchMap(*grid, name="features")(tokens)
    has_class_token = getattr(backbone, "use_class_token", True)
    if not has_class_token or math.prod(grid) == count:
        return features, None
    return features, ClassToken(name="embedding")(tokens)


def _grid(count, patch_size, image_size):
    """Rows and columns of patches, or None."""
    if count is None or None in image_size:
        return None
    if patch_size is not None:
        if isinstance(patch_size, int):
            patch_size = (patch_size, patch_size)
        pairs = zip(image_size, patch_size, strict=True)
        grid = tuple(side // patch for side, patch in pairs)
        return grid if 0 < math.prod(grid) <= count else None
    # The most patches whose grid has the shape of the image.
    for patches in range(count, max(0, count - _MOST_PREFIX_TOKENS - 1), -1):
        rows = math.isqrt(patches * image_size[0] // image_size[1])
        columns, rest = divmod(patches, max(rows, 1))
        if not rest and rows * image_size[1] == columns * image_size[0]:
            return rows, columns
    return None
