"""What recipes share that end with a host, and may learn features first."""

import numpy as np

from noisy_keras import networks as networks_module
from noisy_keras.core import inputs
from noisy_keras.data.sources import manifest
from noisy_keras.features import cache as feature_cache
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.recipes import hosts
from noisy_keras.recipes import pretraining as pretraining_module
from noisy_keras.recipes.phases import in_order
from noisy_keras.recipes.recipe import Recipe
from noisy_keras.recipes.recipe import check_network
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

PRETRAIN, HOST = "pretrain", "host"

_RULES = {
    "epochs": arguments.at_least(1, int),
    "drops": arguments.optional(arguments.sequence(arguments.at_least(0, int))),
    "pretrain_epochs": arguments.at_least(0, int),
}


class HostRecipe(Recipe):
    """A recipe whose trainings are SimCLR's, if any, and a host's.

    Args:
        network: a network, or the name of one.
        source: the `Source` to be trained on.
        given: dict of the recipe's arguments: `host` (see `hosts.check`),
            `host_options`, `width` of a network given by name, `epochs` and
            `drops` of the host, `pretrain_epochs` of SimCLR, 0 for none, and
            `pretraining` (see `pretraining.checked`).
        drop_at: share of the host's epochs after which the learning rate
            drops, where `drops` is None.
        own: dict of what else the recipe's settings are.
        warm: whether the host starts from the encoder.

    Raises:
        ValueError: settings out of range, no such host, or a network that is
            not for the source.
    """

    default_batch_size = 64

    def __init__(self, network, source, given, drop_at, own=None, warm=True):
        chosen = arguments.checked(_RULES, given)
        if chosen["drops"] is None:
            chosen["drops"] = (max(1, round(drop_at * chosen["epochs"])),)
        host, epochs = given["host"], chosen["pretrain_epochs"]
        self.settings = {
            "host": hosts.name_of(host),
            # As JSON can hold them: NumPy's numbers become Python's.
            "host_options": {
                name: value.item() if isinstance(value, np.generic) else value
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
        if isinstance(network, str):
            network = networks_module.build(
                network, source, width=given["width"]
            )
        super().__init__(network)
        check_network(network, source)
        self.trusted, self._host, self._warm = None, host, warm
        # So that its arguments are refused now, not after the first phase.
        model = self._build_host(network, source, seed=0)
        self._needs_trusted = hosts.needs_trusted(model)
        self._learns_labels = hosts.learns_labels(model)

    def default_optimizer(self):
        return MomentumSGD(0.02, momentum=0.9, weight_decay=5e-4)

    def fit(self, source, *, trusted=None, **options):
        """Trains all phases, or those that are not finished.

        Args:
            source: the `Source` to be trained on.
            trusted: `Source` of samples with right labels, at least one of
                each class, where the recipe or its host learns with them.
            **options: as of `Recipe.fit`.

        Returns:
            The trained host, a `NoisyLabelModel`.

        Raises:
            ArtefactError: a folder of another configuration or data.
            ValueError: data or arguments that do not fit.
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
        # What is no source is told by `fit`.
        if trusted is not None and inputs.is_source(source):
            inputs.check_trusted(trusted, source)
            self.inputs["trusted"] = [
                manifest.fingerprint(trusted),
                feature_cache.pictures_key(trusted),
            ]

    def pretrained(self, training):
        """Weights of the network that has seen pictures alone.

        Args:
            training: `Training`.

        Returns:
            dict, as `artefacts.weights`; None where no phase is SimCLR's, and
            the recipe's network is what there is.
        """
        if len(self.phases) == 1:
            return None
        return pretraining_module.train(
            training, self.phases[0], self.settings["pretraining"]
        )

    def train_host(self, training, start, source=None):
        """The last phase.

        Args:
            training: `Training`.
            start: weights of the network, as of `pretrained`; None takes
                those that the recipe's had.
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
            self.settings["host_options"],
            seed,
            self._warm,
        )
