"""What a recipe trains its phases with."""

import os
import shutil

import keras

from noisy_keras import networks as networks_module
from noisy_keras import optimizers
from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.labels import measuring
from noisy_keras.recipes import artefacts as artefacts_module
from noisy_keras.utils import distribution


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

    def compile_options(self, metrics=True):
        """What models are compiled with beside an optimizer.

        Args:
            metrics: whether with the recipe's metrics, which need classes.
        """
        options = self.recipe._compiled[1]
        return options if metrics else options | {"metrics": ()}

    def batch_size(self, source, wanted=None):
        """The batch size of a phase, at most what a source has for all.

        Args:
            source: the `Source` to train on.
            wanted: default: the recipe's.
        """
        replicas = self.recipe._strategy.num_replicas_in_sync
        most = source.num_samples - source.num_samples % replicas
        return min(wanted or self.recipe.default_batch_size, most)

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

    def folder(self, *parts):
        """A folder for what is half done, or None where nothing is kept.

        Args:
            *parts: of its path below the recipe's.
        """
        if self.directory is None or not self._writes:
            return None
        return os.path.join(self.directory, *parts)

    def discard(self, *parts):
        """Removes a folder that `folder` named, if it is there."""
        path = self.folder(*parts)
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)

    @property
    def _writes(self):
        return distribution.is_chief(self.recipe._strategy)

    def train(self, phase, build, source=None, own_epochs=False, **options):
        """Trains a model from the phase's beginning, or from where it was.

        Args:
            phase: `Phase`.
            build: function without arguments to the model. As the recipe says
                it is compiled, unless it is already.
            source: the `Source` to train on; default: the recipe's.
            own_epochs: whether the model counts epochs from this phase's
                first, as a method does that does different things in them.
            **options: of the model's `fit`, in place of the recipe's.

        Returns:
            The trained model.
        """
        recipe, source = self.recipe, source or self.source
        options = self.options | options
        with recipe._strategy.scope():
            model = build()
            if not model.compiled:
                optimizer = optimizers.fresh(recipe._compiled[0])
                model.compile(optimizer, **self.compile_options())
        model.first_epoch = phase.first_epoch if own_epochs else 0
        callbacks = list(self.callbacks(phase))
        rate = optimizers.constant_rate(model.optimizer)
        if rate is not None:
            schedule = optimizers.stepwise(rate, phase.drops)
            callbacks.insert(0, keras.callbacks.LearningRateScheduler(schedule))
        if self.directory is not None:
            callbacks.append(ResumableCheckpoint(self._checkpoints(phase)))
        model.fit(
            source,
            initial_epoch=phase.first_epoch,
            epochs=phase.end,
            callbacks=callbacks,
            **options
            | {"batch_size": self.batch_size(source, options["batch_size"])},
        )
        if self._writes:
            # Not this phase's own: other workers may still be writing theirs.
            self._discard_checkpoints(lambda p: p.end <= phase.first_epoch)
        return model

    def train_once(self, phase, build, source=None, keep=None, **options):
        """As `train`, but a phase that is finished is not run again.

        Args:
            phase: `Phase`.
            build: as of `train`.
            source: as of `train`.
            keep: function of the trained model to more arrays by name.
            **options: as of `train`.

        Returns:
            The network's weights, as `artefacts.weights`, and what `keep` adds.
        """

        def make():
            model = self.train(phase, build, source, **options)
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
