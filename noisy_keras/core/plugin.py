"""The seam through which a plug-in joins a host's training step."""

from typing import Any
from typing import NamedTuple

import keras


class Views(NamedTuple):
    """Images on their way through a step, with what the host knows of them.

    Attributes:
        images: float32 `[B, H, W, C]` in `[0, pixel_scale]`.
        targets: float32 `[B, K]`, the host's targets; never differentiated.
        clean_probability: float32 `[B]` in `[0, 1]`.
        outputs: the network's outputs for `images` in training mode, where the
            host has them already, without gradients; else None.
    """

    images: Any
    targets: Any
    clean_probability: Any
    outputs: Any = None


class StepPlugin(keras.layers.Layer):
    """Appends views to a host's batch and one term to its loss.

    It is a layer of the host, so that what it learns is trained and saved with
    the host. It may do nothing else: what changes the optimisation itself is
    a host of its own.

    Attributes:
        loss_name: of its term among the host's metrics.
        extra_view: the view (see `noisy_keras.data.VIEWS`) that it wants from
            the data pipeline beside the host's own, or None.
        extra_views: how many of them.
        needs_division: whether it uses `clean_probability`, so that a host
            which has none of its own must divide the samples for it.
    """

    loss_name = "plugin_loss"
    extra_view = None
    extra_views = 0
    needs_division = False

    def attach(self, networks):
        """Makes the weights it needs beside each network.

        Args:
            networks: the host's networks.
        """

    def trainable_beside(self, k):
        """Variables to be trained together with network `k`: a list."""
        raise NotImplementedError  # pragma: no cover

    def views(self, network, views, seed):
        """Makes further views, without gradients.

        Args:
            network: the network in training.
            views: `Views`.
            seed: int32 `[2]`.

        Returns:
            A list of `Views` with as many images each.
        """
        raise NotImplementedError  # pragma: no cover

    def loss(self, k, network, originals, copies, outputs=None):
        """Its term of the loss, inside the host's tape.

        Args:
            k: number of the network in training.
            network: that network.
            originals: the `Views` that were given to `views`.
            copies: what `views` returned.
            outputs: per copy, the network's outputs where the host forwarded
                the copies unmixed inside the tape; None lets the plug-in
                forward them.

        Returns:
            scalar, with its weight.
        """
        raise NotImplementedError  # pragma: no cover
