"""What residual networks are built of."""

import keras
import tensorflow as tf

from noisy_keras.networks.layers import FusedBatchNormalization
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils.errors import ConfigurationError

# Initialisations of the published codes, as scale, mode and distribution of
# Keras' `VarianceScaling`. Its instances draw equal weights at every call, so
# that each kernel needs one of its own.
TORCH_DEFAULT = (1 / 3, "fan_in", "uniform")
HE_FAN_IN = (2.0, "fan_in", "untruncated_normal")
HE_FAN_OUT = (2.0, "fan_out", "untruncated_normal")
GLOROT_NORMAL = (1.0, "fan_avg", "truncated_normal")
GLOROT_UNIFORM = (1.0, "fan_avg", "uniform")


@keras.saving.register_keras_serializable(package="noisy_keras")
class ChannelPadding(keras.layers.Layer):
    """Widens a map by channels of zeros, as many before as after its own.

    Of an odd number the last one comes after.

    Args:
        channels: of the output, no fewer than of the input.

    Input shape: `[B, h, w, D]`; output `[B, h, w, channels]`.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        if input_shape[-1] > self.channels:
            raise ConfigurationError(
                f"Expected a map of at most {self.channels} channels. "
                f"Received: a map of shape {tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs):
        missing = self.channels - inputs.shape[-1]
        before = missing // 2
        return tf.pad(inputs, [[0, 0]] * 3 + [[before, missing - before]])

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


def images(image_shape, normalization):
    """The start of a graph.

    Args:
        image_shape: `(H, W, C)`.
        normalization: dict of arguments of `PixelNormalization`.

    Returns:
        The Keras input, and its standardised pixels; both `[B, H, W, C]`.
    """
    inputs = keras.Input(image_shape, name="images")
    return inputs, PixelNormalization(**normalization, name="pixels")(inputs)


def conv(
    x,
    channels,
    stride=1,
    kernel_size=3,
    scaling=TORCH_DEFAULT,
    padding="symmetric",
):
    """A convolution without bias: a normalisation follows sooner or later.

    Args:
        x: `[B, h, w, D]`.
        channels: of the output.
        stride: in both directions.
        kernel_size: odd.
        scaling: initialisation, see the top of this file.
        padding: where zeros go at strides above 1. `"symmetric"`: on all four
            sides, as PyTorch pads; `"same"`: of even sizes on two of them, as
            TensorFlow does.

    Returns:
        `[B, ceil(h / stride), ceil(w / stride), channels]`.
    """
    if padding == "symmetric":
        padding = "same"
        if stride > 1 and kernel_size > 1:
            x = keras.layers.ZeroPadding2D(kernel_size // 2)(x)
            padding = "valid"
    return keras.layers.Conv2D(
        channels,
        kernel_size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(*scaling),
    )(x)


def normalized(x):
    """Batch normalisation."""
    return FusedBatchNormalization()(x)


def activated(x):
    """Batch normalisation and ReLU."""
    return keras.layers.ReLU()(normalized(x))


def added(x, y):
    """The sum of two maps of one shape."""
    return keras.layers.Add()([x, y])


def fitted(x, channels, stride, window):
    """A shortcut without parameters to a smaller and wider map.

    Args:
        x: `[B, h, w, D]`.
        channels: of the output.
        stride: in both directions.
        window: side of the square whose mean is taken; 1 picks every
            `stride`-th pixel.

    Returns:
        `[B, ceil(h / stride), ceil(w / stride), channels]`.
    """
    if stride > 1:
        # Windows that stick out of an odd-sized map average what is inside.
        x = keras.layers.AveragePooling2D(window, stride, padding="same")(x)
    if x.shape[-1] != channels:
        x = ChannelPadding(channels)(x)
    return x
