"""Copies of networks: with new random weights, or with those of the given one.

A method that trains two networks may get one. What the second starts from is
decided here.
"""

import zlib

import keras
import numpy as np

from noisy_keras.networks import head
from noisy_keras.networks import precision
from noisy_keras.utils.errors import ConfigurationError

# Attribute of a network: the fingerprint of the weights that it was drawn with.
_DRAWN = "_drawn_weights"


def copied(network, fresh_copy: bool | None = None):
    """A second network for a method that trains two from one.

    Weights that are worth something are kept: the copy starts from those of
    the given network, frozen layers stay frozen, and only the classifier is
    drawn anew, so that the two networks differ. Weights that `build` has just
    drawn at random are worth nothing: then the copy is an independent draw, as
    in the published codes of DivideMix.

    Args:
        network: functional `keras.Model` with the interface of a network.
        fresh_copy: bool. True draws all weights anew; False keeps them; None
            draws anew only where `is_drawn`.

    Returns:
        A `keras.Model` of the same structure.

    Example:
        >>> network = nk.networks.build("tiny", nk.data.load("digits"))
        >>> second = nk.networks.copied(network, fresh_copy=False)
        >>> kernels = [n.weights[0].numpy() for n in (network, second)]
        >>> bool((kernels[0] == kernels[1]).all())
        True
    """
    if is_drawn(network) if fresh_copy is None else fresh_copy:
        return reinitialized(network)
    classifier = head.classifier(network)
    if classifier is not None and not classifier.trainable:
        # A frozen classifier could not learn from new random weights.
        classifier = None
    copy = reinitialized(network)
    fresh = None if classifier is None else copy.get_layer(classifier.name)
    copy_weights(network, copy, fresh)
    return copy


def copy_weights(network, copy, fresh=None):
    """Copies the weights between networks of one structure.

    Args:
        network: `keras.Model` to copy from.
        copy: `keras.Model` of the same structure, which gets its weights.
        fresh: layer of `copy` that keeps its own weights, or None.
    """
    own = set() if fresh is None else {id(w) for w in fresh.weights}
    for new, old in zip(copy.weights, network.weights, strict=True):
        if id(new) not in own:
            new.assign(old)


def mark_drawn(network):
    """Notes that a network has the random weights that it was built with.

    Args:
        network: `keras.Model`.

    Returns:
        The network.
    """
    setattr(network, _DRAWN, _fingerprint(network))
    return network


def is_drawn(network):
    """Whether a network is as `build` drew it, so that nothing is lost.

    Args:
        network: `keras.Model`.

    Returns:
        bool: False if a weight has changed since, if a layer is frozen, and
        for networks that others have built, whose weights may be trained.
    """
    drawn = getattr(network, _DRAWN, None)
    if drawn is None:
        return False
    layers = network._flatten_layers(include_self=False)
    if any(layer.weights and not layer.trainable for layer in layers):
        return False
    return drawn == _fingerprint(network)


def _fingerprint(network):
    checksum = 0
    for weight in network.get_weights():
        checksum = zlib.crc32(np.ascontiguousarray(weight), checksum)
    return checksum


def reinitialized(network):
    """A copy of a network with new random weights.

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
        >>> source = nk.data.load("digits")
        >>> encoder = nk.networks.build("tiny", source)
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
    copy_weights(encoder, network, network.get_layer(head.CLASSIFIER))
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
