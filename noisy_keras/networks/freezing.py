"""Freezing the backbone of a network for a while."""

import contextlib

from noisy_keras.networks import copies
from noisy_keras.networks import head
from noisy_keras.utils.errors import ConfigurationError


@contextlib.contextmanager
def frozen_backbones(networks):
    """Freezes all layers but the classifier while a step is traced.

    A step that is traced within has no gradients of the backbone, and leaves
    its batch statistics as they are. The layers are afterwards as before, so
    that a model that is saved has nothing frozen.

    Args:
        networks: list of `keras.Model` with the interface of a network.

    Yields:
        None.
    """
    layers, variables = [], []
    for network in networks:
        kept = head.classifier(network)
        for layer in network._flatten_layers(include_self=False):
            # A container has the layers that it contains beside it.
            if layer is not kept and not list(
                layer._flatten_layers(include_self=False)
            ):
                layers.append((layer, layer.trainable))
                variables += [(v, v.trainable) for v in layer.weights]
    try:
        for layer, _ in layers:
            layer.trainable = False
        yield
    finally:
        for layer, trainable in layers:
            layer.trainable = trainable
        for variable, trainable in variables:
            variable.trainable = trainable


def check(networks):
    """Raises where it makes no sense to freeze the backbone.

    Args:
        networks: list of `keras.Model` with the interface of a network.

    Raises:
        ConfigurationError: a backbone with random weights, or a network
            without one layer that computes the logits.
    """
    for network in networks:
        if head.classifier(network) is None:
            raise ConfigurationError(
                "Expected a network whose logits one layer computes, to train "
                f"that alone first. Received: {network.name}; "
                "`nk.networks.from_backbone` makes one"
            )
        if copies.is_drawn(network):
            raise ConfigurationError(
                "Expected pretrained weights, to train the classifier alone "
                f"first. Received: {network.name} with random weights, on "
                "which a classifier learns little (weights='imagenet' loads "
                "some)"
            )
