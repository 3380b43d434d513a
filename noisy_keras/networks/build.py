"""Networks by name."""

import difflib

import keras

from noisy_keras.networks import bottleneck_resnet
from noisy_keras.networks import head
from noisy_keras.networks import photo_resnet
from noisy_keras.networks import preact_resnet
from noisy_keras.networks import precision
from noisy_keras.networks import resnet
from noisy_keras.networks import vector_heads
from noisy_keras.networks import wide_resnet
from noisy_keras.utils.errors import ConfigurationError

_BUILDERS = {
    "linear": vector_heads.linear,
    "mlp": vector_heads.mlp,
    "preact_resnet18": preact_resnet.preact_resnet18,
    "resnet18": resnet.resnet18,
    "resnet29": bottleneck_resnet.resnet29,
    "resnet32": resnet.resnet32,
    "resnet34": resnet.resnet34,
    "resnet50": photo_resnet.resnet50,
    "tiny": preact_resnet.tiny,
    "wide_resnet28_10": wide_resnet.wide_resnet28_10,
    "wide_resnet28_2": wide_resnet.wide_resnet28_2,
}

NAMES = tuple(sorted(_BUILDERS))
# Mean, standard deviation and scale of pixels of which nothing is known.
_USUAL = (0.5, 0.25, 255.0)


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
):
    """Builds a network by name.

    Args:
        name: str, one of `networks.NAMES`.
        source: `Source` from which every argument left out is taken, or None.
        image_shape: tuple of ints `(H, W, C)`; `(D,)` of vectors, which the
            networks `linear` and `mlp` take.
        num_classes: int, number of classes K >= 2.
        width: int, number of channels of the first stage; None is the published
            width.
        mean: C floats, mean per channel of pixels scaled to `[0, 1]`;
            default: 0.5 each. Of vectors D floats; default: 0.
        std: C floats, standard deviation likewise; default: 0.25 each. Of
            vectors D floats; default: 1.
        pixel_scale: float, value of a white pixel, 255 or 1; default: 255. Of
            vectors 1, the default.

    Returns:
        A `keras.Model` from images `[B, H, W, C]` to a dict of `features`
        `[B, h, w, D]`, `embedding` `[B, E]` and `logits` `[B, K]`.

    Raises:
        ConfigurationError: an unknown name, a width below 1, or neither source
            nor shapes.

    Example:
        >>> network = build("tiny", image_shape=(32, 32, 3), num_classes=10)
        >>> network.output["features"].shape
        (None, 4, 4, 64)
    """
    if name not in _BUILDERS:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Expected a network name, one of {', '.join(NAMES)}. "
            f"Received: {name!r}.{hint}"
        )
    if width is not None and width < 1:
        raise ConfigurationError(
            f"Expected a width of at least 1. Received: width={width}"
        )
    if source is not None:
        image_shape = image_shape or source.image_shape
        num_classes = num_classes or source.num_classes
        mean = source.pixel_mean if mean is None else mean
        std = source.pixel_std if std is None else std
        pixel_scale = pixel_scale or source.pixel_scale
    if image_shape is None or num_classes is None:
        raise ConfigurationError(
            "Expected a `source`, or both `image_shape` and `num_classes`. "
            f"Received: image_shape={image_shape}, num_classes={num_classes}"
        )
    if len(image_shape) == 1 and name not in vector_heads.NAMES:
        raise ConfigurationError(
            "Expected a network of vectors, one of "
            f"{', '.join(vector_heads.NAMES)}, for features of "
            f"{image_shape[0]} columns. Received: {name!r}, a network of "
            "pictures"
        )
    channels = image_shape[-1]
    usual = vector_heads.USUAL if len(image_shape) == 1 else _USUAL
    normalization = {
        "mean": (usual[0],) * channels if mean is None else mean,
        "std": (usual[1],) * channels if std is None else std,
        "pixel_scale": pixel_scale or usual[2],
    }
    options = {} if width is None else {"width": width}
    if name == "linear" and options:
        raise ConfigurationError(
            f"Expected no width of a linear network. Received: width={width}"
        )
    return _BUILDERS[name](
        tuple(image_shape), num_classes, normalization, **options
    )


def reinitialized(network):
    """A copy of a network with new random weights, for a second network.

    Keras' initialisers without a seed draw anew in the copy. One with a fixed
    seed would draw the same weights, so seeds are dropped from the copy's
    configuration.

    Args:
        network: functional `keras.Model`.

    Returns:
        A `keras.Model` of the same structure.
    """
    config = keras.saving.serialize_keras_object(network)
    return keras.saving.deserialize_keras_object(_without_seeds(config))


def warm_started(encoder, num_classes=None, dtype_policy=None):
    """A network that starts from a trained one, with a new classifier.

    It lets any method start from contrastive learning (`SimCLR`, `MoCo`):
    `nk.DivideMix([warm_started(e), warm_started(e)], ...)` is C2D.

    Args:
        encoder: network with a linear layer `logits`, such as
            `SimCLR.encoder` or one read by `keras.models.load_model`. It is not
            changed.
        num_classes: int, number of classes K >= 2; default: the encoder's.
        dtype_policy: str, name of the policy to compute in, such as
            `"mixed_bfloat16"`; default: the encoder's.

    Returns:
        A `keras.Model` of the same structure. All weights are copies, except
        those of `logits`, which are drawn anew.

    Raises:
        ConfigurationError: the encoder does not have the interface of a
            network, has no layer `logits`, or there are fewer than two classes.

    Example:
        >>> encoder = build("tiny", image_shape=(32, 32, 3), num_classes=10)
        >>> network = warm_started(encoder, num_classes=14)
        >>> network.output["logits"].shape
        (None, 14)
    """
    head.check(encoder)
    if head.classifier_kernel(encoder) is None:
        raise ConfigurationError(
            f"Expected a network with a linear layer {head.CLASSIFIER!r}, "
            "whose weights are drawn anew. Received: "
            f"{encoder.name} without one; `nk.networks.build` and "
            "`nk.networks.from_backbone` make such networks."
        )
    if num_classes is not None and num_classes < 2:
        raise ConfigurationError(
            f"Expected at least 2 classes. Received: num_classes={num_classes}"
        )
    config = _without_seeds(keras.saving.serialize_keras_object(encoder))
    if dtype_policy is not None:
        config = precision.at_policy(config, dtype_policy, [head.CLASSIFIER])
    if num_classes is not None:
        for layer in config["config"]["layers"]:
            if layer["config"].get("name") == head.CLASSIFIER:
                layer["config"]["units"] = int(num_classes)
                # As it was built for.
                layer.pop("build_config", None)
    network = keras.saving.deserialize_keras_object(config)
    fresh = {id(w) for w in network.get_layer(head.CLASSIFIER).weights}
    for new, old in zip(network.weights, encoder.weights, strict=True):
        if id(new) not in fresh:
            new.assign(old)
    head.check(network)
    return network


def _without_seeds(config):
    if isinstance(config, dict):
        return {
            key: None if key == "seed" else _without_seeds(value)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        return [_without_seeds(value) for value in config]
    return config


def as_networks(networks, count: int | None = None, source=None) -> list:
    """The networks of a method that trains `count` of them.

    Args:
        networks: name of a network (see `networks.NAMES`), a network, or a list
            of `count` networks or names. Where one is given, the others are of
            the same structure with new random weights.
        count: int, number of networks that the method trains; None: as many as
            the list has, or one.
        source: the `Source` that networks given by name are built for; None
            where they are not.

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
        others = [reinitialized(network) for _ in range((count or 1) - 1)]
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
