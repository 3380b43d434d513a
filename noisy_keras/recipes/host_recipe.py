"""The base of recipes that end with a host, and may learn features first."""

import numpy as np

from noisy_keras.core import inputs
from noisy_keras.core import vectors
from noisy_keras.data.sources import manifest
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.features import cache as feature_cache
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.recipes import hosts
from noisy_keras.recipes import pretraining as pretraining_module
from noisy_keras.recipes.phases import in_order
from noisy_keras.recipes.recipe import Recipe
from noisy_keras.recipes.recipe import network_for
from noisy_keras.utils import arguments
from noisy_keras.utils import serialization
from noisy_keras.utils.errors import ConfigurationError

PRETRAIN, HOST = "pretrain", "host"

_RULES = {
    "epochs": arguments.at_least(1, int),
    "drops": arguments.optional(arguments.sequence(arguments.at_least(0, int))),
    "pretrain_epochs": arguments.at_least(0, int),
}


class HostRecipe(Recipe):
    """A recipe that trains SimCLR, if it has epochs for it, and then a host.

    Args:
        network: a network or its name, or a list of one.
        source: the `Source` to train on.
        given: dict of the recipe's arguments: `host` (see `hosts.name_of`),
            `host_options`, `width` of a network given by name, `epochs` and
            `drops` of the host, `pretrain_epochs` of SimCLR, 0 for none, and
            `pretraining` (see `pretraining.checked`).
        drop_at: float, share of the host's epochs after which the learning rate
            drops, where `drops` is None.
        own: dict of the recipe's further settings.
        warm: bool, whether the host starts from the encoder.

    Raises:
        ConfigurationError: an argument out of range, an unknown host, or a
            network that does not fit the source.
    """

    default_batch_size = 64

    def __init__(self, network, source, given, drop_at, own=None, warm=True):
        chosen = arguments.checked(_RULES, given)
        if chosen["drops"] is None:
            chosen["drops"] = (max(1, round(drop_at * chosen["epochs"])),)
        host, epochs = given["host"], chosen["pretrain_epochs"]
        if epochs and isinstance(source, FeatureSource):
            raise vectors.refused(
                f"SimCLR, which {type(self).__name__} begins with,",
                source.image_shape,
            )
        self.settings = {
            "host": hosts.name_of(host),
            "host_options": {
                name: _for_json(value)
                for name, value in (given["host_options"] or {}).items()
            },
            **chosen,
            **(own or {}),
        }
        phases = [(HOST, chosen["epochs"], chosen["drops"])]
        if epochs:
            phases.insert(0, (PRETRAIN, epochs, ()))
            self.artefact_names = (PRETRAIN, *self.artefact_names)
            found = pretraining_module.checked(given["pretraining"], epochs)
            self.settings["pretraining"] = found
        self.phases = in_order(*phases)
        network = network_for(network, source, given["width"])
        super().__init__(network)
        self.trusted, self._host, self._warm = None, host, warm
        self._host_options = dict(given["host_options"] or {})
        # Its arguments are checked now, not after the first phase.
        model = self._build_host(network, source, seed=0)
        self._needs_trusted = hosts.needs_trusted(model)
        self._learns_labels = hosts.learns_labels(model)

    def default_optimizer(self):
        return MomentumSGD(0.02, momentum=0.9, weight_decay=5e-4)

    def fit(self, source, *, trusted=None, **options):
        """Trains all phases, or those that are not finished.

        Args:
            source: the `Source` to train on.
            trusted: `Source` of trusted samples, at least one of each class,
                where the recipe or its host needs them.
            **options: as of `Recipe.fit`.

        Returns:
            The trained host, a `NoisyLabelModel`.

        Raises:
            ArtefactError: a folder of another configuration or data.
            ConfigurationError: data or arguments that do not fit.
        """
        self.check(source, trusted=trusted)
        self.trusted = trusted
        return super().fit(source, **options)

    def check(self, source, trusted=None):
        if trusted is None and self._needs_trusted:
            raise ConfigurationError(
                f"Expected `trusted`: {self.settings['host']} learns from a "
                "small set with right labels; `train, trusted = "
                "source.split(trusted=10)` takes 10 per class out of a source. "
                "Received: trusted=None"
            )
        # `fit` raises for anything that is no source.
        if trusted is not None and inputs.is_source(source):
            inputs.check_trusted(trusted, source)
            self.inputs["trusted"] = [
                manifest.fingerprint(trusted),
                feature_cache.pictures_key(trusted),
            ]

    def pretrained(self, training):
        """Weights of the network that SimCLR has trained.

        Args:
            training: `Training`.

        Returns:
            dict, as of `artefacts.weights`; None where no phase is SimCLR's.
        """
        if len(self.phases) == 1:
            return None
        return pretraining_module.train(
            training, self.phases[0], self.settings["pretraining"]
        )

    def train_host(self, training, start, source=None):
        """Trains the last phase.

        Args:
            training: `Training`.
            start: dict, weights that the network starts from, as of
                `pretrained`; None takes those of the recipe's network.
            source: the `Source` to train on; default: the recipe's.

        Returns:
            The trained host.
        """
        source = source or training.source
        more = {"trusted": self.trusted} if self._needs_trusted else {}

        def build():
            network = training.fresh_network(start)
            return self._build_host(network, source, training.seed)

        return training.train(
            self.phases[-1], build, source, own_epochs=True, **more
        )

    def _build_host(self, network, source, seed):
        return hosts.build(
            self._host,
            network,
            source,
            self._host_options,
            seed,
            self._warm,
        )


def _for_json(value):
    """An argument as JSON can hold it."""
    if isinstance(value, np.generic):
        return value.item()
    if callable(value):
        return serialization.identity(value)
    return value
