"""C2D: contrast to divide.

1. Learn features from pictures alone, which no wrong label can spoil (SimCLR).
2. Start a method for noisy labels from that encoder, with new classifiers: what
   it has learnt in a short warm-up already tells right from wrong labels.

Reference: Zheltonozhskii, Baskin, Mendelson, Bronstein and Litany, Contrast to
Divide: Self-Supervised Pre-Training for Learning with Noisy Labels, WACV 2022.
"""

from noisy_keras.recipes.host_recipe import HostRecipe
from noisy_keras.utils.errors import ConfigurationError

#: What the released code does in DivideMix beside its encoder. Two things that
#: it does are left out: it gives the mixture up to 200 rounds, not 10, and
#: moves a threshold beyond all probabilities to the nearest of them.
RELEASED = {
    "warmup_epochs": 5,
    "warmup_view": "jitter",
    "warmup_clip_norm": 1.0,
}


class C2D(HostRecipe):
    """SimCLR's encoder, into DivideMix or any other host.

    Args:
        network: a network, or the name of one: SimCLR trains it, and all
            networks of the host start from it.
        source: the `Source` to be trained on.
        host: a name of `nk.recipes.HOSTS`, or a function of a network, a
            source and the `host_options` to an uncompiled model.
        width: of a network given by name.
        epochs: of the host; 360 for CIFAR, 120 for Clothing1M.
        drops: of these, epochs at which the learning rate is divided by 10;
            default: 150 of 360, in proportion.
        pretrain_epochs: of SimCLR. 0: the network has learnt before; that is
            `nk.networks.warm_started(encoder)`.
        pretraining: dict of what differs from
            `noisy_keras.recipes.pretraining.DEFAULTS`, those for CIFAR.
        host_options: dict of the host's arguments; default: the released
            code's for DivideMix (5 epochs of warm-up on jittered views, with
            gradients of norm 1 at most), nothing for other hosts.

    Raises:
        ValueError: settings out of range, no such host, or a network that is
            not for the source.

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
        if host_options is None and host == "dividemix":
            given["host_options"] = RELEASED
        if isinstance(network, str) and not pretrain_epochs:
            raise ConfigurationError(
                "Expected a network that was trained before, where "
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
