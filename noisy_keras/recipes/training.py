"""Training and keeping the phases of a recipe."""

import os
import shutil

import keras

from noisy_keras import networks as networks_module
from noisy_keras import optimizers
from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.labels import measuring
from noisy_keras.networks import copies
from noisy_keras.recipes import artefacts as artefacts_module
from noisy_keras.utils import distribution


class Training:
    """One call of a recipe's `fit`, as its `run` uses it.

    Args:
        recipe: `Recipe`.
        source: the `Source` to train on.
        kept: `Artefacts` of finished phases.
        directory: str, folder of checkpoints, or None.
        callbacks: function of a `Phase` to a list of Keras callbacks.
        report: function of a line of text.
        options: dict of arguments of the models' `fit`.
    """

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
        """Arguments of the models' `compile` beside an optimizer.

        Args:
            metrics: bool, whether with the recipe's metrics, which need class
                predictions.

        Returns:
            dict.
        """
        options = self.recipe._compiled[1]
        return options if metrics else options | {"metrics": ()}

    def batch_size(self, source, wanted=None):
        """The batch size of a phase, bounded by the number of samples.

        Args:
            source: the `Source` to train on.
            wanted: int; default: the recipe's.

        Returns:
            int, divisible by the number of replicas.
        """
        replicas = self.recipe._strategy.num_replicas_in_sync
        most = source.num_samples - source.num_samples % replicas
        if wanted is not None and wanted > most:
            self.report(
                f"batch size {most} in place of {wanted}: there are "
                f"{source.num_samples} samples and {replicas} replicas"
            )
        return min(wanted or self.recipe.default_batch_size, most)

    def fresh_network(self, weights=None):
        """Builds a network of the recipe's structure.

        Args:
            weights: dict of arrays, as of `artefacts.weights`; default: those
                of the recipe's network.

        Returns:
            A `keras.Model`.
        """
        given = self.recipe.networks[0]
        with self.recipe._strategy.scope():
            network = networks_module.reinitialized(given)
            artefacts_module.set_weights(network, weights or self._start)
            if weights is None and copies.is_drawn(given):
                # A host may draw its second network anew, too.
                copies.mark_drawn(network)
        return network

    def measure(self, weights):
        """Measures the samples by a trained network.

        Args:
            weights: dict of arrays, as of `artefacts.weights`.

        Returns:
            A `Measurement`.
        """
        return measuring.measure(self.network_model(weights), self.source)

    def network_model(self, weights):
        """A model of a trained network, for predictions.

        Args:
            weights: dict of arrays, as of `artefacts.weights`.

        Returns:
            A `NoisyLabelModel` without tables.
        """
        with self.recipe._strategy.scope():
            network = self.fresh_network(weights)
            return NoisyLabelModel([network], self.source.num_samples)

    def once(self, name, make):
        """Returns an artefact, which is made only if it does not exist.

        Args:
            name: str, name of the artefact.
            make: function without arguments to a dict of arrays.

        Returns:
            dict of arrays.
        """
        if self.kept.has(name):
            return self.kept.load(name)
        arrays = make()
        if self._writes:
            # Later phases that began with another artefact are discarded;
            # before saving, so that both are never there together.
            done = self.kept.names[: self.kept.names.index(name) + 1]
            self._discard_checkpoints(lambda phase: phase.name not in done)
            self.kept.save(name, **arrays)
        return arrays

    def folder(self, *parts):
        """A folder for unfinished work, or None where nothing is kept.

        Args:
            *parts: strings, parts of its path below the recipe's folder.

        Returns:
            str, or None.
        """
        if self.directory is None or not self._writes:
            return None
        return os.path.join(self.directory, *parts)

    def discard(self, *parts):
        """Removes a folder, if it exists.

        Args:
            *parts: strings, as of `folder`.
        """
        path = self.folder(*parts)
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)

    @property
    def _writes(self):
        return distribution.is_chief(self.recipe._strategy)

    def train(self, phase, build, source=None, own_epochs=False, **options):
        """Trains the model of a phase, or resumes its training.

        Args:
            phase: `Phase`.
            build: function without arguments to the model. It is compiled with
                the recipe's arguments, unless it is compiled already.
            source: the `Source` to train on; default: the recipe's.
            own_epochs: bool, whether the model numbers its epochs from the
                first one of this phase, as methods need whose epochs differ.
            **options: arguments of the model's `fit` in place of the recipe's.

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
            # Not those of this phase: other workers may still write theirs.
            self._discard_checkpoints(lambda p: p.end <= phase.first_epoch)
        return model

    def train_once(self, phase, build, source=None, keep=None, **options):
        """As `train`, but a finished phase is not trained again.

        Args:
            phase: `Phase`.
            build: as of `train`.
            source: as of `train`.
            keep: function of the trained model to a dict of further arrays, or
                None.
            **options: as of `train`.

        Returns:
            dict of the network's weights, as of `artefacts.weights`, and of
            further arrays.
        """

        def make():
            model = self.train(phase, build, source, **options)
            more = {} if keep is None else keep(model)
            return artefacts_module.weights(model.networks[0]) | more

        return self.once(phase.name, make)

    def _checkpoints(self, phase):
        return os.path.join(self.directory, "checkpoints", phase.name)

    def _discard_checkpoints(self, which):
        """Removes the checkpoints of some phases."""
        if self.directory is not None:
            for phase in filter(which, self.recipe.phases):
                shutil.rmtree(self._checkpoints(phase), ignore_errors=True)
