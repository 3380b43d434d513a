"""A method of several trainings, one after another."""

import contextlib
import dataclasses
import os
import shutil
import zlib

import keras
import numpy as np
import tensorflow as tf

from noisy_keras import networks as networks_module
from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.core import distribution
from noisy_keras.networks import head
from noisy_keras.recipes import artefacts as artefacts_module


@dataclasses.dataclass(frozen=True)
class Phase:
    """One training of a recipe.

    Attributes:
        name: of its files.
        epochs: of its own.
        first_epoch: number of its first epoch; epochs are counted through.
        drops: epoch indices, counted through, at which the learning rate is
            divided by 10.
    """

    name: str
    epochs: int
    first_epoch: int
    drops: tuple

    @property
    def end(self):
        """Number of the epoch after its last."""
        return self.first_epoch + self.epochs


def in_order(*phases):
    """Phases from (name, epochs, drops within the phase), counted through.

    Raises:
        ValueError: a phase of no epochs, or a drop outside its phase.
    """
    made, first = [], 0
    for name, epochs, drops in phases:
        if int(epochs) != epochs or epochs < 1:
            raise ValueError(
                f"Expected at least 1 epoch in phase {name!r}. "
                f"Received: {epochs}"
            )
        drops = tuple(drops)
        if any(int(d) != d or not 0 <= d <= epochs for d in drops):
            raise ValueError(
                f"Expected the learning rate to drop within the {epochs} "
                f"epochs of phase {name!r}. Received: {drops}"
            )
        made.append(Phase(name, epochs, first, tuple(first + d for d in drops)))
        first += epochs
    return tuple(made)


class Recipe:
    """Several models trained in turn, and what one leaves for the next.

    A subclass gives `phases` and `run`. It is compiled and fitted as a model
    is; `fit` returns the model of the last phase.

    Args:
        network: that every phase starts from, weights included (random ones,
            or pretrained); it is not trained itself.

    Attributes:
        phases: tuple of `Phase`.
        settings: dict of the recipe's arguments.
        model: of the last phase, once fitted.
    """

    #: Names of what is kept between phases, in order.
    artefact_names = ()
    default_batch_size = 128

    def __init__(self, network):
        head.check(network)
        self.networks = [network]
        self.plugins = []
        self.model = None
        self._compiled = None
        self._strategy = tf.distribute.get_strategy()

    def run(self, training):
        """The recipe: trains phases, by what `fit` gives.

        Args:
            training: `Training`.

        Returns:
            The model of the last phase.
        """
        raise NotImplementedError  # pragma: no cover

    def compile(self, optimizer=None, **options):
        """Says how every phase is compiled: see `NoisyLabelModel.compile`.

        Args:
            optimizer: each phase starts with a fresh one like it; its
                learning rate drops as the phases say, unless it is a schedule.
            **options: as of `NoisyLabelModel.compile`.
        """
        optimizer = keras.optimizers.get(optimizer or self.default_optimizer())
        self._compiled = optimizer, options

    def default_optimizer(self):
        """The published one."""
        raise NotImplementedError  # pragma: no cover

    def fit(
        self,
        source,
        *,
        batch_size=None,
        validation_data=None,
        directory=None,
        callbacks=None,
        steps_per_epoch=None,
        seed=0,
        verbose="auto",
        report=None,
    ):
        """Trains all phases, or those that are not finished.

        Args:
            source: the `Source` to be trained on.
            batch_size: B; default: the recipe's.
            validation_data: as of `NoisyLabelModel.fit`.
            directory: of the phases' files, so that a process that was killed
                goes on where it was, finished phases being skipped; None
                keeps nothing.
            callbacks: a list of Keras callbacks, for all phases; or a function
                of a `Phase` to one.
            steps_per_epoch: bound on the steps of an epoch.
            seed: of everything random but the network's weights.
            verbose: as in Keras.
            report: function of a line of text that says what a phase found;
                default: `print`, nothing with `verbose=0`.

        Returns:
            The trained `NoisyLabelModel` of the last phase.

        Raises:
            ValueError: a folder of another configuration or data, or data
                that does not fit the network.
        """
        if self._compiled is None:
            self.compile()
        if report is None:
            report = (lambda line: None) if verbose == 0 else print
        optimizer = self._compiled[0]
        depends_on = {
            **self.settings,
            "network": self.networks[0].name,
            "parameters": self.networks[0].count_params(),
            "precision": self.networks[0].dtype_policy.name,
            "optimizer": keras.optimizers.serialize(optimizer),
            "samples": source.num_samples,
            "classes": list(source.class_names),
            "labels": _fingerprint(source),
            "batch_size": batch_size,
            "steps_per_epoch": steps_per_epoch,
            "seed": seed,
        }
        kept = artefacts_module.Artefacts(
            directory and os.path.join(directory, "phases"),
            depends_on,
            ("start", *self.artefact_names),
        )
        training = Training(
            self,
            source,
            kept,
            directory,
            callbacks if callable(callbacks) else lambda phase: callbacks or [],
            report,
            {
                "batch_size": batch_size,
                "validation_data": validation_data,
                "steps_per_epoch": steps_per_epoch,
                "seed": seed,
                "verbose": verbose,
            },
        )
        self.model = self.run(training)
        return self.model

    @property
    def epochs(self):
        """Of all phases together."""
        return self.phases[-1].end


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

    def once(self, name, make):
        """What `make` returns (dict of arrays), made once and then kept."""
        if self.kept.has(name):
            return self.kept.load(name)
        arrays = make()
        if distribution.is_chief(self.recipe._strategy):
            self.kept.save(name, **arrays)
        return arrays

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
            model.compile(
                type(optimizer).from_config(optimizer.get_config()),
                **compile_options,
            )
        callbacks = list(self.callbacks(phase))
        rate = optimizer.get_config()["learning_rate"]
        if isinstance(rate, float):
            schedule = _stepwise(rate, phase.drops)
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
        return model

    def train_once(self, phase, build, source=None):
        """As `train`, but a phase that is finished is not run again.

        Args:
            phase: `Phase`.
            build: as of `train`.
            source: as of `train`.

        Returns:
            The network's weights, as `artefacts.weights`.
        """

        def make():
            model = self.train(phase, build, source)
            return artefacts_module.weights(model.networks[0])

        kept = self.once(phase.name, make)
        self._discard_checkpoints(phase)
        return kept

    def _checkpoints(self, phase):
        return os.path.join(self.directory, "checkpoints", phase.name)

    def _discard_checkpoints(self, phase):
        """What was kept to finish a phase that is finished now."""
        if self.directory is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(self._checkpoints(phase))


def _stepwise(rate, drops):
    def schedule(epoch, current):
        del current
        return rate * 0.1 ** sum(epoch >= drop for drop in drops)

    return schedule


def _fingerprint(source):
    """A number that other labels or samples would hardly have."""
    told = zlib.crc32("\n".join(source.ids).encode())
    return zlib.crc32(np.ascontiguousarray(source.labels).tobytes(), told)
