"""The interface of plug-ins, which take part in a host's training step."""

from typing import Any
from typing import NamedTuple

import keras

from noisy_keras.utils import serialization


class Views(NamedTuple):
    """Images within a training step, with their targets and clean probability.

    Attributes:
        images: float32 `[B, H, W, C]` in `[0, pixel_scale]`.
        targets: float32 `[B, K]`, the host's targets; never differentiated.
        clean_probability: float32 `[B]` in `[0, 1]`, of the given labels.
        outputs: dict, the network's outputs for `images` in training mode and
            without gradients, where the host has computed them already; else
            None.
    """

    images: Any
    targets: Any
    clean_probability: Any
    outputs: Any = None


class StepPlugin(keras.layers.Layer):
    """Appends views to the batches of a host, and one term to its loss.

    It is a layer of the host, so that its weights are trained and saved with
    the host. What changes the optimisation itself is a method of its own and
    no plug-in.

    Attributes:
        loss_name: str, name of its term among the metrics of the host.
        extra_view: the view that it needs from the data pipeline beside the
            host's own (see `nk.data.Source.view`), or None.
        extra_views: int, number of these views.
        needs_pixels: bool, whether it works on pictures alone, and not on
            vectors of features.
        needs_division: bool, whether it uses `clean_probability`, so that a
            host without a division of its own must divide the samples for it.

    Example:
        >>> class Mirrored(nk.StepPlugin):
        ...     '''Adds mirrored images, which are to be classified alike.'''
        ...
        ...     loss_name = "mirrored"
        ...
        ...     def trainable_beside(self, k):
        ...         return []
        ...
        ...     def views(self, network, views, seed):
        ...         return [views._replace(images=views.images[:, :, ::-1])]
        ...
        ...     def loss(self, k, network, originals, copies, outputs=None):
        ...         return tf.zeros([])
        >>> source = nk.data.load("digits")
        >>> model = nk.CrossEntropy("tiny", source, plugins=[Mirrored()])
    """

    loss_name = "plugin_loss"
    extra_view = None
    extra_views = 0
    needs_division = False
    needs_pixels = False

    def attach(self, networks):
        """Makes the weights that it needs for each network.

        Args:
            networks: list of the host's networks.
        """

    def trainable_beside(self, k):
        """Variables that are trained together with a network.

        Args:
            k: int, position of the network.

        Returns:
            A list of Keras variables.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `trainable_beside(k)`."
        )

    def views(self, network, views, seed):
        """Makes further views, without gradients.

        Args:
            network: `keras.Model`, the network in training.
            views: `Views` of the batch.
            seed: int32 `[2]`, seed of the step's random numbers.

        Returns:
            A list of `Views` with as many images each.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement "
            "`views(network, views, seed)`."
        )

    def loss(self, k, network, originals, copies, outputs=None):
        """Computes the plug-in's term of the loss; gradients are recorded.

        Args:
            k: int, position of the network in training.
            network: `keras.Model`, that network.
            originals: `Views`, the argument of `views`.
            copies: list of `Views` that `views` returned.
            outputs: list of dicts, the network's outputs for each copy, where
                the host has computed them unmixed and with gradients; None lets
                the plug-in compute them.

        Returns:
            float32 scalar, with its weight.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement "
            "`loss(k, network, originals, copies, outputs)`."
        )

    @classmethod
    def from_config(cls, config):
        return cls(**serialization.restored(config))
