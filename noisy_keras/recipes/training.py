"""What a recipe trains its phases with."""

import os
import shutil

import keras

from noisy_keras import networks as networks_module
from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.core import distribution
from noisy_keras.core import measuring
from noisy_keras.core import optimizers
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.recipes import artefacts as artefacts_module


class Training:
    """One call of `fit`: what `run` trains with."""

    def __init__(
        self, recipe, source, kept, directory, callbacks, report, options
    ):
        self.recipe = recipe
        self.source = source
        self.kept = kept
        self.directory = directory
        self.callbacks = callbacks
        self.report = report
        self.options = options
        network = recipe.networks[0]
        self._start = self.once(
            "start", lambda: artefacts_module.weights(network)
        )

    @property
    def seed(self):
        return self.options["seed"]

    def fresh_network(self, weights=None):
        """A network of the recipe's structure.

        Args:
            weights: arrays of `artefacts.weights`; default: those that the
                recipe's network had.
        """
        with self.recipe._strategy.scope():
            network = networks_module.reinitialized(self.recipe.networks[0])
            artefacts_module.set_weights(network, weights or self._start)
        return network

    def measure(self, weights):
        """What a trained network says of the samples: a `Measurement`.

        Args:
            weights: arrays of `artefacts.weights`.
        """
        with self.recipe._strategy.scope():
            network = self.fresh_network(weights)
            # Nothing but a network to predict with: no tables.
            model = NoisyLabelModel([network], self.source.num_samples)
            model.built = True
        return measuring.measure(model, self.source)

    def once(self, name, make):
        """What `make` returns (dict of arrays), made once and then kept."""
        if self.kept.has(name):
            return self.kept.load(name)
        arrays = make()
        if self._writes:
            # What later phases began with another artefact is void; before
            # saving, so that there is no moment in which both are there.
            done = self.kept.names[: self.kept.names.index(name) + 1]
            self._discard_checkpoints(lambda phase: phase.name not in done)
            self.kept.save(name, **arrays)
        return arrays

    @property
    def _writes(self):
        return distribution.is_chief(self.recipe._strategy)

    def train(self, phase, build, source=None):
        """Trains a model from the phase's beginning, or from where it was.

        Args:
            phase: `Phase`.
            build: function without arguments to the model, uncompiled.
            source: the `Source` to train on; default: the recipe's.

        Returns:
            The trained model.
        """
        recipe, source = self.recipe, source or self.source
        optimizer, compile_options = recipe._compiled
        with recipe._strategy.scope():
            model = build()
            model.compile(optimizers.fresh(optimizer), **compile_options)
        callbacks = list(self.callbacks(phase))
        rate = optimizers.constant_rate(optimizer)
        if rate is not None:
            schedule = optimizers.stepwise(rate, phase.drops)
            callbacks.insert(0, keras.callbacks.LearningRateScheduler(schedule))
        if self.directory is not None:
            callbacks.append(ResumableCheckpoint(self._checkpoints(phase)))
        batch_size = self.options["batch_size"] or recipe.default_batch_size
        replicas = recipe._strategy.num_replicas_in_sync
        most = source.num_samples - source.num_samples % replicas
        model.fit(
            source,
            initial_epoch=phase.first_epoch,
            epochs=phase.end,
            callbacks=callbacks,
            **self.options | {"batch_size": min(batch_size, most)},
        )
        if self._writes:
            # Not this phase's own: other workers may still be writing theirs.
            self._discard_checkpoints(lambda p: p.end <= phase.first_epoch)
        return model

    def train_once(self, phase, build, source=None, keep=None):
        """As `train`, but a phase that is finished is not run again.

        Args:
            phase: `Phase`.
            build: as of `train`.
            source: as of `train`.
            keep: function of the trained model to more arrays by name.

        Returns:
            The network's weights, as `artefacts.weights`, and what `keep` adds.
        """

        def make():
            model = self.train(phase, build, source)
            more = {} if keep is None else keep(model)
            return artefacts_module.weights(model.networks[0]) | more

        return self.once(phase.name, make)

    def _checkpoints(self, phase):
        return os.path.join(self.directory, "checkpoints", phase.name)

    def _discard_checkpoints(self, which):
        """Removes what was kept to finish some phases."""
        if self.directory is not None:
            for phase in filter(which, self.recipe.phases):
                shutil.rmtree(self._checkpoints(phase), ignore_errors=True)
