"""Networks by name."""

import difflib
import os

from noisy_keras.networks import bottleneck_resnet
from noisy_keras.networks import cnn
from noisy_keras.networks import copies
from noisy_keras.networks import efficientnet_lite
from noisy_keras.networks import head
from noisy_keras.networks import inception_resnet
from noisy_keras.networks import photo_resnet
from noisy_keras.networks import preact_resnet
from noisy_keras.networks import providers
from noisy_keras.networks import resnet
from noisy_keras.networks import vector_heads
from noisy_keras.networks import vgg
from noisy_keras.networks import weight_files
from noisy_keras.networks import wide_resnet
from noisy_keras.utils.errors import ConfigurationError

_BUILDERS = {
    "cnn9": cnn.cnn9,
    "efficientnet_lite0": efficientnet_lite.efficientnet_lite0,
    "inception_resnet_v2": inception_resnet.inception_resnet_v2,
    "linear": vector_heads.linear,
    "mlp": vector_heads.mlp,
    "preact_resnet18": preact_resnet.preact_resnet18,
    "resnet18": resnet.resnet18,
    "resnet29": bottleneck_resnet.resnet29,
    "resnet32": resnet.resnet32,
    "resnet34": resnet.resnet34,
    "resnet50": photo_resnet.resnet50,
    "tiny": preact_resnet.tiny,
    "vgg19_bn": vgg.vgg19_bn,
    "wide_resnet28_10": wide_resnet.wide_resnet28_10,
    "wide_resnet28_2": wide_resnet.wide_resnet28_2,
}

NAMES = tuple(sorted(_BUILDERS))
# Mean, standard deviation and scale of pixels of which nothing is known.
_USUAL = (0.5, 0.25, 255.0)

# Networks whose numbers of channels cannot be scaled.
_WITHOUT_WIDTH = ("inception_resnet_v2", "linear")
# Functions that assign the published weights of ImageNet.
_IMAGENET = {"efficientnet_lite0": efficientnet_lite.load_imagenet}
_FORMS = (
    "keras:NAME, keras_hub:PRESET, keras_cv:PRESET, FILE.keras or "
    "saved_model:DIR"
)


def build(
    name: str,
    source=None,
    *,
    image_shape=None,
    num_classes: int | None = None,
    width: int | None = None,
    mean=None,
    std=None,
    pixel_scale: float | None = None,
    weights="auto",
):
    """Builds a network by name.

    Args:
        name: str, one of `networks.NAMES`; or `keras:NAME` of a network in
            `keras.applications`, `keras_hub:PRESET`, `keras_cv:PRESET`, the
            path of a `.keras` file, or `saved_model:DIR`. These scale pixels
            as they were trained, and not by `mean` and `std`.
        source: `Source` from which every argument left out is taken, or None.
        image_shape: tuple of ints `(H, W, C)`; `(D,)` of vectors, which the
            networks `linear` and `mlp` take. Default, where there is no source:
            that of the images that a network of a provider was trained on.
        num_classes: int, number of classes K >= 2.
        width: int, number of channels of the first stage; None is the published
            width.
        mean: C floats, mean per channel of pixels scaled to `[0, 1]`;
            default: 0.5 each. Of vectors D floats; default: 0.
        std: C floats, standard deviation likewise; default: 0.25 each. Of
            vectors D floats; default: 1.
        pixel_scale: float, value of a white pixel, 255 or 1; default: 255. Of
            vectors 1, the default.
        weights: `"none"` or None for random weights; `"imagenet"` for those
            that were published, of `efficientnet_lite0` and `keras:NAME`; path
            of a file of `save_weights` of a like network. `"auto"`: random for
            `networks.NAMES`, those of the provider or file for others. The
            classifier is new in any case, unless a file has one for as many
            classes.

    Returns:
        A `keras.Model` from images `[B, H, W, C]` to a dict of `features`
        `[B, h, w, D]`, `embedding` `[B, E]` and `logits` `[B, K]`.

    Raises:
        ConfigurationError: an unknown name, a width below 1, neither source nor
            shapes, a library that is not installed, weights that cannot be
            downloaded, or weights of another structure.

    Example:
        >>> network = build("tiny", image_shape=(32, 32, 3), num_classes=10)
        >>> network.output["features"].shape
        (None, 4, 4, 64)
    """
    provider, _ = providers.split_name(name)
    if provider is None and name not in _BUILDERS:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Expected a network name, one of {', '.join(NAMES)}, or {_FORMS}. "
            f"Received: {name!r}.{hint}"
        )
    if width is not None and width < 1:
        raise ConfigurationError(
            f"Expected a width of at least 1. Received: width={width}"
        )
    if width is not None and provider is not None:
        raise ConfigurationError(
            f"Expected no width for {name}, which has its own. "
            f"Received: width={width}"
        )
    if source is not None:
        image_shape = image_shape or source.image_shape
        num_classes = num_classes or source.num_classes
        mean = source.pixel_mean if mean is None else mean
        std = source.pixel_std if std is None else std
        pixel_scale = pixel_scale or source.pixel_scale
    if provider is not None and image_shape is None:
        side = providers.default_image_size(name)
        image_shape = (side, side, 3)
    if image_shape is None or num_classes is None:
        raise ConfigurationError(
            "Expected a `source`, or both `image_shape` and `num_classes`. "
            f"Received: image_shape={image_shape}, num_classes={num_classes}"
        )
    image_shape = tuple(image_shape)
    if len(image_shape) == 1 and name not in vector_heads.NAMES:
        raise ConfigurationError(
            "Expected a network of vectors, one of "
            f"{', '.join(vector_heads.NAMES)}, for features of "
            f"{image_shape[0]} columns. Received: {name!r}, a network of "
            "pictures"
        )
    if name in _WITHOUT_WIDTH and width is not None:
        raise ConfigurationError(
            f"Expected no width of the network {name!r}, which has none to "
            f"choose. Received: width={width}"
        )
    usual = vector_heads.USUAL if len(image_shape) == 1 else _USUAL
    pixel_scale = pixel_scale or usual[2]
    weights = _checked_weights(name, provider, weights)
    path = weights if weights and weight_files.is_file(weights) else None

    def make(classes):
        if provider is not None:
            published = "auto" if weights == "imagenet" else weights
            return providers.build(
                name,
                image_shape,
                classes,
                pixel_scale,
                None if path else published,
            )
        channels = image_shape[-1]
        normalization = {
            "mean": (usual[0],) * channels if mean is None else mean,
            "std": (usual[1],) * channels if std is None else std,
            "pixel_scale": pixel_scale,
        }
        options = {} if width is None else {"width": width}
        made = _BUILDERS[name](image_shape, classes, normalization, **options)
        return made, None

    if path is not None:
        return weight_files.load(path, make, num_classes)
    network, _ = make(num_classes)
    if weights == "imagenet" and provider is None:
        _IMAGENET[name](network)
        return network
    if provider is None:
        copies.mark_drawn(network)
    return network


def _checked_weights(name, provider, weights):
    """`"auto"`, `"imagenet"`, a path, or None for random weights."""
    if weights is None or weights == "none":
        weights = None
    elif isinstance(weights, os.PathLike):
        weights = os.fspath(weights)
    has_imagenet = name in _IMAGENET or provider == "keras"
    if weights == "imagenet" and not has_imagenet:
        known = ", ".join([*sorted(_IMAGENET), "keras:NAME"])
        hint = "; it brings its own, leave them out" if provider else ""
        raise ConfigurationError(
            f"Expected a network with published weights of ImageNet: {known}. "
            f"Received: {name} with weights='imagenet'{hint}"
        )
    if provider in ("file", "saved_model") and weights != "auto":
        raise ConfigurationError(
            f"Expected no `weights` for {name}, which brings its own. "
            f"Received: weights={weights!r}"
        )
    if weights not in ("auto", "imagenet", None) and not (
        weight_files.is_file(weights)
    ):
        raise ConfigurationError(
            "Expected `weights` to be 'imagenet', 'none', or a file of "
            "`save_weights` whose name ends in .weights.h5. "
            f"Received: {weights!r}"
        )
    return weights


def as_networks(
    networks,
    count: int | None = None,
    source=None,
    fresh_copy: bool | None = None,
) -> list:
    """The networks of a method that trains `count` of them.

    Args:
        networks: name of a network (see `networks.NAMES`), a network, or a list
            of `count` networks or names. Where one is given, the others are of
            the same structure; see `copied` for their weights.
        count: int, number of networks that the method trains; None: as many as
            the list has, or one.
        source: the `Source` that networks given by name are built for; None
            where they are not.
        fresh_copy: bool, as of `copied`.

    Returns:
        A list of networks.

    Raises:
        ConfigurationError: a list of another length, a name without a source,
            an unknown name, or a model that is no network.

    Example:
        >>> source = nk.data.load("digits")
        >>> [network.name for network in as_networks("tiny", 2, source)]
        ['tiny', 'tiny']
    """
    if not isinstance(networks, (list, tuple)):
        network = _as_network(networks, source)
        head.check(network)
        others = [
            copies.copied(network, fresh_copy) for _ in range((count or 1) - 1)
        ]
        return [network, *others]
    if not networks or len(networks) != (count or len(networks)):
        raise ConfigurationError(
            f"Expected one network or a list of {count or 'networks'}. "
            f"Received: {len(networks)}"
        )
    return [_as_network(network, source) for network in networks]


def _as_network(network, source):
    if not isinstance(network, str):
        return network
    if source is None:
        raise ConfigurationError(
            f"Expected a source beside the name of a network, {network!r}, "
            "which is built for its images and classes. Received: a number of "
            "samples; pass the source itself, or the network that "
            f"`nk.networks.build({network!r}, source)` makes."
        )
    return build(network, source)
