"""Networks of other libraries and from files, by `PROVIDER:NAME`.

Each becomes a network of this package: it takes pixels as they are in an image
file, and scales them as its provider does; images of another size than it is
made for are resized within it.
"""

import contextlib
import difflib
import importlib
import io
import re
import warnings

import keras

from noisy_keras.networks import head
from noisy_keras.networks import model_files
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.networks.layers import ReversedChannels
from noisy_keras.utils.errors import ConfigurationError

#: Words before the colon.
NAMES = ("keras", "keras_hub", "keras_cv", "saved_model")

_TORCH = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SYMMETRIC = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
# Bytes stay bytes, as the network scales them itself.
_INCLUDED = (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)
# Of red, green and blue; the channels are reversed behind it.
_CAFFE = (123.68 / 255, 116.779 / 255, 103.939 / 255), _INCLUDED[1]
# How `keras.applications` expects pixels, by the beginnings of names; the first
# that fits decides.
_SCALINGS = (
    (r"(ConvNeXt|EfficientNet|MobileNetV3)", _INCLUDED),
    (r"DenseNet", _TORCH),
    (r"ResNet\d+V2|MobileNet|Inception|NASNet|Xception", _SYMMETRIC),
    (r"(ResNet|VGG)\d+$", _CAFFE),
)
# Sides of the images of ImageNet that they were trained on; others: 224 pixels.
_SIZES = {
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2L": 480,
    "EfficientNetV2M": 480,
    "EfficientNetV2S": 384,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}
# The smallest images that they take; others: 32 pixels.
_LEAST = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}

_OFFLINE = (
    "With a connection, the file is downloaded once; without, bring its "
    "weights as a file (weights=FILE.weights.h5, or --weights=FILE.weights.h5 "
    "of a command), or start from random ones (weights='none', or "
    "--weights=none)"
)


def split_name(name):
    """The provider and the rest of a name.

    Args:
        name: str, name of a network.

    Returns:
        Pair of str, provider and name; the provider is `"file"` for a path of a
        `.keras` file, and None for a network of this package.
    """
    provider, colon, rest = name.partition(":")
    if colon and provider in NAMES:
        return provider, rest
    if name.endswith(".keras"):
        return "file", name
    return None, name


def default_image_size(name):
    """The size of the images that a provider's network was trained on.

    Args:
        name: str, such as `"keras:EfficientNetV2B0"`.

    Returns:
        int, side of a square in pixels. 224 where it is not known.
    """
    provider, rest = split_name(name)
    if provider == "file":
        return model_files.image_size(rest) or 224
    return _SIZES.get(rest, 224) if provider == "keras" else 224


def build(name, image_shape, num_classes, pixel_scale, weights):
    """Builds a provider's network.

    Args:
        name: str, `keras:NAME` of `keras.applications`, `keras_hub:PRESET`,
            `keras_cv:PRESET`, `FILE.keras` or `saved_model:DIR`.
        image_shape: tuple of ints `(H, W, C)`.
        num_classes: int, number of classes K.
        pixel_scale: float, value of a white pixel.
        weights: `"auto"` for those that the provider has published, or None.

    Returns:
        Pair of `keras.Model`: a network, and its backbone.

    Raises:
        ConfigurationError: a name that the provider does not have, a provider
            that is not installed, weights that cannot be downloaded, or a file
            that does not fit.
    """
    provider, rest = split_name(name)
    if provider == "file":
        network = model_files.network(rest, image_shape, num_classes)
        return network, network
    make = {
        "keras": _keras,
        "keras_hub": _keras_hub,
        "keras_cv": _keras_cv,
        "saved_model": _saved_model,
    }[provider]
    backbone, scaling = make(rest, image_shape, weights)
    network = _network(backbone, scaling, image_shape, num_classes, pixel_scale)
    return network, backbone


def _network(backbone, scaling, image_shape, num_classes, pixel_scale):
    channels = image_shape[-1]
    if channels not in (1, 3):
        raise ConfigurationError(
            f"Expected images of 3 channels, or 1, for {backbone.name}. "
            f"Received: image_shape={tuple(image_shape)}"
        )
    first, *more = [scaling] if channels == 3 else [_INCLUDED, scaling]

    def preprocessing(images):
        mean, std = (values[:channels] for values in first)
        x = PixelNormalization(mean, std, pixel_scale, name="pixels")(images)
        if channels == 1:
            x = keras.layers.Concatenate(name="colours")([x, x, x])
        for mean, std in more:
            x = PixelNormalization(mean, std, name="scaled")(x)
        return ReversedChannels(name="bgr")(x) if scaling == _CAFFE else x

    with warnings.catch_warnings():
        # About regularizers: the package has its own weight decay.
        warnings.simplefilter("ignore")
        return head.from_backbone(
            backbone, num_classes, preprocessing, image_shape
        )


def _keras(name, image_shape, weights):
    known = [
        key
        for key, value in vars(keras.applications).items()
        if key[0].isupper() and callable(value)
    ]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ConfigurationError(
            "Expected keras:NAME of a network in `keras.applications`, such as "
            f"keras:EfficientNetV2B0. Received: {name!r}.{hint}"
        )
    scaling = next(
        (values for start, values in _SCALINGS if re.match(start, name)), None
    )
    if scaling is None:
        raise ConfigurationError(
            f"Expected a network whose pixels are known to be scaled in some "
            f"way. Received: keras:{name}; `nk.networks.from_backbone` takes "
            "it with a `preprocessing`."
        )
    least = _LEAST.get(name, 32)
    height, width = (max(least, side) for side in image_shape[:2])
    with _downloads(f"the weights of keras:{name}"), _quiet():
        backbone = getattr(keras.applications, name)(
            input_shape=(height, width, 3),
            include_top=False,
            weights="imagenet" if weights == "auto" else None,
        )
    return backbone, scaling


def _keras_hub(preset, image_shape, weights):
    hub = _imported("keras_hub", "'noisy_keras[keras_hub]'")
    with _downloads(f"keras_hub:{preset}", preset=True), _quiet():
        backbone = hub.models.Backbone.from_preset(
            preset, load_weights=weights == "auto"
        )
        # CLIP and SigLIP have an encoder of texts beside that of images.
        backbone = getattr(backbone, "vision_encoder", backbone)
        try:
            converter = hub.layers.ImageConverter.from_preset(preset)
        except (ValueError, FileNotFoundError):
            converter = None  # The preset has none: it takes bytes.
    return backbone, _INCLUDED if converter is None else _scaling(converter)


def _scaling(converter):
    """Mean and standard deviation of a converter's `scale` and `offset`."""
    scales, offsets = (
        [float(default if value is None else value)] * 3
        if value is None or isinstance(value, (int, float))
        else [float(v) for v in value]
        for value, default in ((converter.scale, 1.0), (converter.offset, 0.0))
    )
    std = tuple(1.0 / (255.0 * scale) for scale in scales)
    pairs = zip(offsets, std, strict=True)
    return tuple(-offset * s for offset, s in pairs), std


def _keras_cv(preset, image_shape, weights):
    backbones = _imported("keras_cv.models.backbones.backbone", "keras-cv")
    with _downloads(f"keras_cv:{preset}", preset=True), _quiet():
        backbone = backbones.Backbone.from_preset(
            preset, load_weights=None if weights == "auto" else False
        )
    # Its backbones scale bytes themselves.
    return backbone, _INCLUDED


def _saved_model(path, image_shape, weights):
    if weights != "auto":
        raise ConfigurationError(
            "Expected a SavedModel with its own weights. "
            f"Received: weights={weights!r}"
        )
    return model_files.saved_model(path, image_shape), _INCLUDED


def _imported(module, package):
    library = module.partition(".")[0]
    try:
        with _quiet():
            return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"Expected {library} to be installed for {library}:PRESET: `pip "
            f"install {package}`. Received: {error}"
        ) from error


@contextlib.contextmanager
def _quiet():
    """Keeps what other libraries print at import and download to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()):
            yield


@contextlib.contextmanager
def _downloads(name, preset=False):
    """Reports what a provider cannot download, and presets that it lacks."""
    try:
        yield
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200]
        # `keras.utils.get_file` raises no class of its own.
        plain = type(error) is Exception and "URL fetch" in reason
        if plain or _is_of_network(error):
            raise ConfigurationError(
                f"Expected to download {name}. {_OFFLINE}. "
                f"Received: {type(error).__name__}: {reason}"
            ) from error
        if preset and isinstance(error, (ValueError, FileNotFoundError)):
            raise ConfigurationError(
                f"Expected {name} to be a preset or a folder of one. "
                f"Received: {reason}"
            ) from error
        raise


def _is_of_network(error):
    """Whether an error, or what caused it, is one of a connection."""
    while error is not None:
        module = type(error).__module__.partition(".")[0]
        if module in ("requests", "urllib3", "urllib", "socket", "httpx"):
            return True
        if isinstance(error, (ConnectionError, TimeoutError)):
            return True
        if module in ("kagglehub", "kagglesdk", "huggingface_hub"):
            return True
        error = error.__cause__ or error.__context__
    return False
