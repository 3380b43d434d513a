"""Networks of vectors: a linear classifier and a multi-layer perceptron.

They meet the interface of a network as far as vectors have it. The feature map
has a single place: it is the embedding, of shape `[B, 1, 1, D]`. Pictures are
accepted as well; their pixels are standardised and become one vector.
"""

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.head import with_head

#: The networks that accept vectors.
NAMES = ("linear", "mlp")
#: Mean, standard deviation and scale of vectors of which nothing is known.
USUAL = (0.0, 1.0, 1.0)


def linear(image_shape, num_classes, normalization):
    """A linear classifier of standardised vectors: softmax regression.

    Args:
        image_shape: `(D,)`, or `(H, W, C)` of pictures.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`: one mean and
            standard deviation per column.

    Returns:
        A `keras.Model` with features `[B, 1, 1, D]`.
    """
    inputs, x = _vectors(image_shape, normalization)
    return _network(inputs, x, num_classes, "linear")


def mlp(image_shape, num_classes, normalization, width=256):
    """A multi-layer perceptron with two hidden layers.

    Each is a linear layer, layer normalisation and ReLU. Layer normalisation
    keeps no moving statistics, so replicas, weight averages and meta-gradients
    treat it like any other layer.

    Args:
        image_shape: `(D,)`, or `(H, W, C)` of pictures.
        num_classes: int, number of classes K.
        normalization: dict, arguments of `PixelNormalization`: one mean and
            standard deviation per column.
        width: int, number of units of each hidden layer.

    Returns:
        A `keras.Model` with features `[B, 1, 1, width]`.
    """
    inputs, x = _vectors(image_shape, normalization)
    for number in (1, 2):
        x = keras.layers.Dense(
            width,
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(
                *blocks.HE_FAN_IN
            ),
            name=f"dense_{number}",
        )(x)
        x = keras.layers.LayerNormalization(name=f"norm_{number}")(x)
        x = keras.layers.ReLU(name=f"relu_{number}")(x)
    return _network(inputs, x, num_classes, "mlp")


def _vectors(image_shape, normalization):
    """The input, and its standardised values `[B, D]`."""
    inputs, x = blocks.images(image_shape, normalization)
    if len(image_shape) > 1:
        x = keras.layers.Flatten(name="flat")(x)
    return inputs, x


def _network(inputs, x, num_classes, name):
    features = keras.layers.Reshape((1, 1, x.shape[-1]), name="features")(x)
    return with_head(inputs, features, num_classes, name=name)
