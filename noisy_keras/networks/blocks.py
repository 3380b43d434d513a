"""Building blocks of residual networks."""

import keras
import tensorflow as tf

from noisy_keras.networks.layers import FusedBatchNormalization
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils.errors import ConfigurationError

# Initialisations of the published codes, as the scale, mode and distribution
# of `keras.initializers.VarianceScaling`. An instance of it returns the same
# weights at every call, so that each kernel gets its own instance.
TORCH_DEFAULT = (1 / 3, "fan_in", "uniform")
HE_FAN_IN = (2.0, "fan_in", "untruncated_normal")
HE_FAN_OUT = (2.0, "fan_out", "untruncated_normal")
GLOROT_NORMAL = (1.0, "fan_avg", "truncated_normal")
GLOROT_UNIFORM = (1.0, "fan_avg", "uniform")


@keras.saving.register_keras_serializable(package="noisy_keras")
class ChannelPadding(keras.layers.Layer):
    """Widens a feature map with channels of zeros on both sides.

    If the number of added channels is odd, the additional one comes last.

    Args:
        channels: int, number of output channels, at least that of the input.

    Input shape: `[B, h, w, D]`. Output shape: `[B, h, w, channels]`.

    Raises:
        ValueError: When it is built on a map of more channels.
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
    """The input and the pixel normalisation of a network.

    Args:
        image_shape: `(H, W, C)`.
        normalization: dict, arguments of `PixelNormalization`.

    Returns:
        Tuple of the Keras input and its standardised pixels, both `[B, H, W,
        C]`.
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
    """Convolution without bias, because a normalisation follows.

    Args:
        x: symbolic tensor `[B, h, w, D]`.
        channels: int, number of output channels.
        stride: int, stride in both directions.
        kernel_size: int, odd.
        scaling: tuple of scale, mode and distribution of
            `keras.initializers.VarianceScaling`, the initialisation of the
            kernel.
        padding: str, zero padding at strides above 1. `"symmetric"` pads all
            four sides as PyTorch does; `"same"` pads even sizes on two sides as
            TensorFlow does.

    Returns:
        Symbolic tensor `[B, ceil(h / stride), ceil(w / stride), channels]`.
    """
    # PyTorch, in which most published codes are written, pads an even size on
    # both sides at stride 2; TensorFlow's "same" pads on one.
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
    """Applies batch normalisation."""
    return FusedBatchNormalization()(x)


def activated(x):
    """Applies batch normalisation and ReLU."""
    return keras.layers.ReLU()(normalized(x))


def added(x, y):
    """Adds two feature maps of one shape."""
    return keras.layers.Add()([x, y])


def fitted(x, channels, stride, window):
    """Shortcut without parameters to a smaller and wider feature map.

    Args:
        x: symbolic tensor `[B, h, w, D]`.
        channels: int, number of output channels.
        stride: int, stride in both directions.
        window: int, side of the square that is averaged; 1 takes every
            `stride`-th pixel.

    Returns:
        Symbolic tensor `[B, ceil(h / stride), ceil(w / stride), channels]`.
    """
    if stride > 1:
        # At the edge of an odd-sized map, a window averages the pixels inside.
        x = keras.layers.AveragePooling2D(window, stride, padding="same")(x)
    if x.shape[-1] != channels:
        x = ChannelPadding(channels)(x)
    return x
