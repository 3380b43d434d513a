"""A method of several trainings, one after another."""

import os
import zlib

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.callbacks import ResumableCheckpoint
from noisy_keras.core import inputs
from noisy_keras.core import sample_weights
from noisy_keras.features import cache as feature_cache
from noisy_keras.networks import as_networks
from noisy_keras.networks import build as build_network
from noisy_keras.networks import head
from noisy_keras.recipes import artefacts as artefacts_module
from noisy_keras.recipes.training import Training
from noisy_keras.utils.errors import ConfigurationError


class Recipe:
    """Several models that are trained one after another.

    A subclass defines `phases` and `run`. It is compiled and fitted like a
    model; `fit` returns the model of the last phase.

    Args:
        network: `keras.Model`, the network that every phase starts from, with
            its random or pretrained weights; it is not trained itself.

    Attributes:
        phases: tuple of `Phase`.
        settings: dict of the recipe's arguments.
        inputs: dict that JSON can hold: further data that the artefacts depend
            on, beside the source and the settings.
        model: `NoisyLabelModel` of the last phase, once fitted.
    """

    #: Names of the artefacts that are kept between phases, in order.
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
        """Trains all phases.

        Args:
            training: `Training`, which trains and keeps one phase.

        Returns:
            The model of the last phase.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `run(training)`."
        )

    def check(self, source, **given):
        """Raises what `fit` would raise before its first phase.

        Args:
            source: as of `fit`.
            **given: further data, as of `fit`.

        Raises:
            ConfigurationError: data that do not fit.
        """
        del given
        check_network(self.networks[0], source)

    def labels_of(self, phase, source):
        """The source with the labels that a phase is trained on.

        Args:
            phase: `Phase`.
            source: the `Source` that was passed to `fit`.

        Returns:
            A `Source`.
        """
        del phase
        return source

    def label_audit(self, source, held_out=None):
        """Finds which given labels are likely wrong, once fitted.

        Args:
            source: the `Source` that was passed to `fit`.
            held_out: `Source` of samples that were held out of training, or
                None: see `NoisyLabelModel.label_audit`.

        Returns:
            A `LabelAudit`.
        """
        return self.model.label_audit(source, held_out=held_out)

    def compile(self, optimizer=None, **options):
        """Configures all phases for training: see `NoisyLabelModel.compile`.

        Args:
            optimizer: Keras optimizer, of which each phase gets a new copy;
                default: the published one. Its learning rate drops at the
                epochs of the phases, unless it is a schedule.
            **options: as of `NoisyLabelModel.compile`.
        """
        optimizer = keras.optimizers.get(optimizer or self.default_optimizer())
        self._compiled = optimizer, options

    def default_optimizer(self):
        """The optimizer that the recipe was published with."""
        raise NotImplementedError(
            f"{type(self).__name__} must implement `default_optimizer()`."
        )

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
            source: the `Source` to train on.
            batch_size: int, number of samples in a step over all replicas, B;
                default: the recipe's.
            validation_data: as of `NoisyLabelModel.fit`.
            directory: str or path, folder for the artefacts of phases, from
                which a process that was killed resumes; finished phases are
                skipped. None keeps nothing.
            callbacks: list of Keras callbacks for all phases, or a function of
                a `Phase` to such a list.
            steps_per_epoch: int, upper bound on the steps of an epoch, or None.
            seed: int in `[0, 2^32)`, seed of everything random but the
                network's weights.
            verbose: as in Keras.
            report: function of a line of text, called with the results of
                phases; default: `print`, or nothing with `verbose=0`.

        Returns:
            The trained `NoisyLabelModel` of the last phase.

        Raises:
            ArtefactError: a folder of another configuration or data.
            ConfigurationError: data or arguments that do not fit.
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
            # Not its name, which depends on the networks built before.
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
        sample_weights.check(
            source,
            "has phases that divide, mix or relabel samples",
            type(self).__name__,
        )
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
                "Expected `directory` for a recipe that can resume: phases "
                "cannot share one checkpoint. Received: "
                f"callbacks={[type(c).__name__ for c in listed]}"
            )


def network_for(network, source, width=None):
    """The network of a recipe.

    Args:
        network: a network or its name, or a list of one.
        source: the `Source` to train on.
        width: int, number of channels of the first stage of a network given by
            name; None is the published width.

    Returns:
        A `keras.Model`.

    Raises:
        ConfigurationError: no source, several networks, or a network that does
            not fit the source.
    """
    if not inputs.is_source(source):
        raise ConfigurationError(
            "Expected the `Source` to be trained on. Received: "
            f"source={source!r}"
        )
    if isinstance(network, str):
        network = build_network(network, source, width=width)
    [network] = as_networks(network, 1, source)
    check_network(network, source)
    return network


def check_network(network, source):
    """Raises unless a network fits the classes and images of a source.

    Args:
        network: `keras.Model` with the interface of a network.
        source: `Source`.

    Raises:
        ConfigurationError: other classes or images.
    """
    own = network.output["logits"].shape[-1], network.input_shape[1:]
    if own != (source.num_classes, source.image_shape):
        raise ConfigurationError(
            f"Expected {own[0]} classes and images {own[1]}, as the network "
            f"was built for. Received: {source!r}"
        )


def _fingerprint(source):
    """A checksum of the ids and labels of a source."""
    checksum = zlib.crc32("\n".join(source.ids).encode())
    if source.soft_labels is not None:
        soft = np.ascontiguousarray(source.soft_labels, np.float32)
        checksum = zlib.crc32(soft.tobytes(), checksum)
    return zlib.crc32(np.ascontiguousarray(source.labels).tobytes(), checksum)
