"""C2D: contrast to divide.

1. Learn features from images alone, which no wrong label can affect (SimCLR).
2. Start a method for noisy labels from that encoder, with new classifiers:
   after a short warm-up it already separates right from wrong labels.

Reference: Zheltonozhskii, Baskin, Mendelson, Bronstein and Litany, Contrast to
Divide: Self-Supervised Pre-Training for Learning with Noisy Labels, WACV 2022.
"""

from noisy_keras.core import vectors
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.networks import providers
from noisy_keras.recipes.host_recipe import HostRecipe
from noisy_keras.utils.errors import ConfigurationError

#: Arguments of DivideMix in the released code. Two of its changes are left out:
#: the mixture has up to 200 rounds, not 10, and a threshold beyond all
#: probabilities is moved to the nearest of them.
RELEASED = {
    "warmup_epochs": 5,
    "warmup_view": "jitter",
    "warmup_clip_norm": 1.0,
}


class C2D(HostRecipe):
    """SimCLR's encoder, into DivideMix or any other host.

    Args:
        network: a network or its name, or a list of one. SimCLR trains it, and
            all networks of the host start from it.
        source: the `Source` to train on.
        host: str, a name in `nk.recipes.HOSTS`; or a class or function of a
            network, a source and `host_options` to an uncompiled model.
        width: int, number of channels of the first stage of a network given by
            name; None is the published width.
        epochs: int, number of epochs of the host; 360 for CIFAR, 120 for
            Clothing1M.
        drops: ints, epochs of the host at which the learning rate is divided by
            10; default: 150 of 360, in proportion.
        pretrain_epochs: int, number of epochs of SimCLR. With 0 the network has
            been trained before: `nk.networks.warm_started(encoder)`, or the
            name of a provider's network with its weights.
        pretraining: dict of options that differ from
            `noisy_keras.recipes.pretraining.DEFAULTS`, which are for CIFAR.
        host_options: dict of the host's own arguments; default: those of the
            released code for DivideMix (5 epochs of warm-up on jittered views,
            with gradients of norm 1 at most), none for other hosts.

    Raises:
        ConfigurationError: an argument out of range, an unknown host, or a
            network that does not fit the source.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.8))
        >>> c2d = nk.C2D(
        ...     "tiny",
        ...     source,
        ...     epochs=25,
        ...     drops=(20,),
        ...     pretrain_epochs=40,
        ...     pretraining={"batch_size": 128, "learning_rate": 0.06},
        ... )
        >>> model = c2d.fit(source, verbose=0)
        >>> type(model).__name__
        'DivideMix'
    """

    def __init__(
        self,
        network,
        source,
        host="dividemix",
        width=None,
        epochs=360,
        drops=None,
        pretrain_epochs=1000,
        pretraining=None,
        host_options=None,
    ):
        given = dict(locals())
        if isinstance(source, FeatureSource):
            raise vectors.refused("C2D", source.image_shape)
        if host_options is None and host == "dividemix":
            given["host_options"] = RELEASED
        named = isinstance(network, str)
        drawn = named and providers.split_name(network)[0] is None
        if drawn and not pretrain_epochs:
            raise ConfigurationError(
                "Expected a network that has been trained before, where "
                "`pretrain_epochs` is 0: `nk.networks.warm_started(encoder)`. "
                f"Received: network={network!r}, of random weights"
            )
        super().__init__(network, source, given, drop_at=150 / 360)

    def run(self, training):
        """Both phases."""
        # 1. Contrast.
        encoder = self.pretrained(training)
        # 2. Divide.
        return self.train_host(training, start=encoder)
