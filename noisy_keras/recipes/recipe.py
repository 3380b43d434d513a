"""A method of several trainings, one after another."""

import os
import zlib

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.core import inputs
from noisy_keras.features import cache as feature_cache
from noisy_keras.networks import head
from noisy_keras.recipes import artefacts as artefacts_module
from noisy_keras.recipes.training import Training
from noisy_keras.utils.errors import ConfigurationError


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
        inputs: dict, as JSON holds it, of what `fit` was given beside a source
            and the artefacts depend on.
        model: of the last phase, once fitted.
    """

    #: Names of what is kept between phases, in order.
    artefact_names = ()
    default_batch_size = 128

    def __init__(self, network):
        head.check(network)
        self.networks = [network]
        self.plugins = []
        self.inputs = {}
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

    def check(self, source, **given):
        """Raises what `fit` would before its first phase.

        Args:
            source: as of `fit`.
            **given: what `fit` is given of data beside it.

        Raises:
            ValueError: data that do not fit.
        """
        del given
        check_network(self.networks[0], source)

    def labels_of(self, phase, source):
        """The source as a phase knows it, whose labels it is judged by.

        Args:
            phase: `Phase`, whose turn it is.
            source: that was passed to `fit`.
        """
        del phase
        return source

    def label_audit(self, source):
        """What became of the given labels: a `LabelAudit`, once fitted.

        Args:
            source: that was passed to `fit`.
        """
        return self.model.label_audit(source)

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
            ArtefactError: a folder of another configuration or data.
            ValueError: data or arguments that do not fit.
        """
        self._check(source, batch_size, steps_per_epoch, seed, callbacks)
        if self._compiled is None:
            self.compile()
        if report is None:
            report = (lambda line: None) if verbose == 0 else print
        optimizer = self._compiled[0]
        depends_on = {
            **self.settings,
            **self.inputs,
            # Not its name, in which Keras counts.
            "network": [list(w.shape) for w in self.networks[0].weights],
            "precision": self.networks[0].dtype_policy.name,
            "optimizer": keras.optimizers.serialize(optimizer),
            "samples": source.num_samples,
            "classes": list(source.class_names),
            "labels": _fingerprint(source),
            "pictures": feature_cache.pictures_key(source),
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

    def _check(self, source, batch_size, steps_per_epoch, seed, callbacks):
        """Raises before anything is written."""
        if not inputs.is_source(source):
            raise ConfigurationError(
                "Expected a `Source`; `nk.data.from_arrays(images, labels)` "
                f"makes one. Received: {type(source).__name__}"
            )
        check_network(self.networks[0], source)
        most = source.num_samples
        for name, value, bound in (
            ("batch_size", batch_size, most),
            ("steps_per_epoch", steps_per_epoch, float("inf")),
        ):
            if value is not None and not 1 <= value <= bound:
                raise ConfigurationError(
                    f"Expected `{name}` from 1 to {bound}. "
                    f"Received: {name}={value}"
                )
        if not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ConfigurationError(
                "Expected `seed` to be an integer in [0, 2^32). "
                f"Received: {seed!r}"
            )
        saving = (ResumableCheckpoint, keras.callbacks.BackupAndRestore)
        listed = () if callable(callbacks) else callbacks or ()
        if any(isinstance(callback, saving) for callback in listed):
            raise ConfigurationError(
                "Expected `directory` for a recipe that goes on where it was: "
                "phases cannot share one checkpoint. Received: "
                f"callbacks={[type(c).__name__ for c in listed]}"
            )


def check_network(network, source):
    """Raises unless a network is for the classes and images of a source."""
    own = network.output["logits"].shape[-1], network.input_shape[1:]
    if own != (source.num_classes, source.image_shape):
        raise ConfigurationError(
            f"Expected {own[0]} classes and images {own[1]}, as the network "
            f"was built for. Received: {source!r}"
        )


def _fingerprint(source):
    """A number that other labels or samples would hardly have."""
    told = zlib.crc32("\n".join(source.ids).encode())
    if source.soft_labels is not None:
        told = zlib.crc32(
            np.ascontiguousarray(source.soft_labels, np.float32).tobytes(), told
        )
    return zlib.crc32(np.ascontiguousarray(source.labels).tobytes(), told)
