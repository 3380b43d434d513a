"""The first part of a run: its data is loaded, its model built and compiled."""

import dataclasses
import inspect
import json
import os
import platform
import time
import warnings
from importlib import metadata
from typing import Any

import keras
import numpy as np

import noisy_keras as nk
from noisy_keras.data.sources import manifest
from noisy_keras.methods.bases.self_supervised import SelfSupervisedModel
from noisy_keras.utils.errors import DataWarning
from noisy_keras.version import __version__
from trainers import UsageError
from trainers.flags.settings import Settings
from trainers.presets.shared import learning_rate
from trainers.run import classification
from trainers.run import config_file
from trainers.run import data
from trainers.run import errors
from trainers.run import extending
from trainers.run import feature_files
from trainers.run import folder as run_folder
from trainers.run import pictures
from trainers.run import self_supervised
from trainers.run import strategies

#: The key of `config.json` with the trusted samples.
TRUSTED = "trusted_samples"
# Keys of `config.json` that are of the first process of a run.
_OF_START = ("effective_noise_rate", "noise", "created")
_PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "tensorflow-probability",
    "tensorflow-datasets",
)


@dataclasses.dataclass
class Run:
    """A run that is ready to train.

    Attributes:
        settings: `Settings`.
        train: `Source` to train on, with its noisy labels.
        validation: `Source` held out, or None.
        test: `Source`, or None.
        model: compiled `NoisyLabelModel` or `Recipe`; once a recipe has been
            trained, the model of its last phase.
        strategy: `tf.distribute.Strategy`.
        trusted: `Source` of samples with right labels, or None.
        removed: int, how many of those were taken out of training.
        estimate: `NoiseEstimate` made while training, or None.
        recipe: `Recipe` that has been trained, or None.
        features: pair of float32 arrays `[N, D]` and `[V, D]`, features of the
            training and the trusted samples from a file; or None.
        corrections: tuple with a `Corrections` for each edited audit.
        duplicates: `Duplicates` of the run's pictures, or None where they were
            not looked for.
        record: `SampleRecord` of these sources.
        changes: `Changes` of the files since the run began, or None.
        loggers: tuple of str, where metrics go: `trainers.run.loggers`.
        kept_epoch: int, number of the epoch that the model is of, from 1; None
            where that is the last.
        keeper: `KeepBest` that has the best and the last epoch, or None.
        encoding: `Encoding` of the images by a frozen backbone, whose features
            the model is trained on; or None.
    """

    settings: Settings
    train: Any
    validation: Any
    test: Any
    model: Any
    strategy: Any
    trusted: Any = None
    removed: int = 0
    estimate: Any = None
    recipe: Any = None
    features: Any = None
    corrections: tuple = ()
    duplicates: Any = None
    record: Any = None
    changes: Any = None
    loggers: tuple = ("tensorboard",)
    kept_epoch: int | None = None
    keeper: Any = None
    encoding: Any = None

    @property
    def variant(self):
        """The module with what differs between kinds of methods."""
        if isinstance(self.model, SelfSupervisedModel):
            return self_supervised
        return classification

    @property
    def judged(self):
        """The source of `val_accuracy`: validation, else test, or None."""
        return self.test if self.validation is None else self.validation

    @property
    def judged_name(self):
        """`"validation"` or `"test"`; None where no model is judged."""
        if self.validation is not None:
            return "validation"
        return None if self.test is None else "test"

    @property
    def held_out(self):
        """The source of held-out samples that are audited, or None.

        Where noise was added to training labels, those of validation are right,
        as these were before.
        """
        validation = self.validation
        corrected = self.settings.data.get("audit")
        if validation is None or self.train.noise is None or corrected:
            return validation
        if validation.true_labels is None and validation.noise is None:
            validation = validation.relabel(validation.labels)
            validation.true_labels = validation.labels
        return validation

    @property
    def effective_noise_rate(self):
        """Share of wrong training labels, or None where unknown."""
        known = self.train.truth_known
        if not known.any():
            return None
        wrong = (self.train.labels != self.train.true_labels)[known]
        return round(float(np.mean(wrong)), 6)

    @property
    def fit_inputs(self):
        """Arguments of `fit` beside the source, for methods that take them."""
        given = {"trusted": self.trusted, "features": self.features}
        return {name: v for name, v in given.items() if v is not None}


def prepare(
    settings,
    data_dir,
    distribute,
    build,
    labels=None,
    record=None,
    folder=None,
    report=None,
):
    """Loads the data and builds the compiled model.

    Args:
        settings: `Settings`.
        data_dir: str, folder of TFDS or of the original files, or None.
        distribute: str, name of the distribution strategy.
        build: function of (network, source, settings) to a model.
        labels: str, path of the noise manifest of a run that is resumed, or
            None.
        record: `SampleRecord` of that run, or None.
        folder: str, folder of the run, where the features of a frozen backbone
            are kept.
        report: function of a line of text, called while these are made; or
            None.

    Returns:
        A `Run`.

    Raises:
        UsageError: data or arguments that do not fit, or cannot be read.
    """
    strategy = strategies.make(distribute)
    _set_precision(settings.training["mixed_precision"])
    with errors.reported(OSError), warnings.catch_warnings():
        # `describe` prints what they say.
        warnings.simplefilter("ignore", DataWarning)
        if (settings.arguments.get("features") or "").endswith(".npy"):
            record = None  # Rows of the file are those of the whole split.
        sources = data.sources(settings.data, data_dir, labels, record)
        data.check_complete(sources)
        _check_batch_size(settings, sources.train)
        encoding, train = None, sources.train
        if settings.training.get("frozen_backbone") is not None:
            # Imported here, because few runs need it.
            from trainers.run import encoding as encoding_module

            encoding = encoding_module.Encoding(
                settings, sources, folder, report
            )
            train = encoding.features["train"]
        model = _build(settings, train, build, strategy)
        run = Run(
            settings,
            sources.train,
            sources.validation,
            sources.test,
            model,
            strategy,
            sources.trusted,
            sources.removed,
            features=_features(settings, sources),
            corrections=sources.corrections,
            duplicates=sources.duplicates,
            record=sources.record,
            changes=sources.changes,
            encoding=encoding,
        )
        if isinstance(model, nk.recipes.Recipe):
            inputs = run if encoding is None else encoding.on_features(run)
            model.check(train, **inputs.fit_inputs)
    return run


def _set_precision(name):
    policy = "float32" if name == "off" else f"mixed_{name}"
    keras.mixed_precision.set_global_policy(policy)


def _check_batch_size(settings, train):
    batch_size = settings.training["batch_size"]
    if batch_size <= train.num_samples:
        return
    hint = ", which is the preset's: give a smaller one"
    if "batch_size" in settings.replaced:
        hint = ""
    raise UsageError(
        "--batch_size: expected at most the number of training samples, "
        f"{train.num_samples}; got {batch_size}{hint}"
    )


def _build(settings, train, build, strategy):
    options = settings.training
    # After the data, which may have trained a network to make noise.
    keras.utils.set_random_seed(options["seed"])
    with strategy.scope():
        network = None  # Where a method brings its own.
        if options["network"] is not None:
            network = nk.networks.build(
                options["network"],
                train,
                width=options["width"],
                weights=options.get("weights") or "auto",
            )
        model = build(network, train, settings)
        jit = {"true": True, "false": False}
        model.compile(
            learning_rate.optimizer(options, train.num_samples),
            jit_compile=jit.get(options["jit_compile"], "auto"),
        )
    return model


def _features(settings, sources):
    """Features from an `.npy` file, or None where there is no such file."""
    path = settings.arguments.get("features")
    if path is None or not path.endswith(".npy"):
        return None
    return feature_files.rows(path, sources)


def record(run, folder, resumed, facts, extension=None):
    """Writes what the run was begun with; checks it where a run is resumed.

    Args:
        run: `Run`.
        folder: str, folder of the run.
        resumed: bool, whether the run goes on from an earlier process.
        facts: dict of further keys of `config.json`.
        extension: `Extension` of a run that gets more epochs, or None.

    Raises:
        UsageError: it was begun with other labels, samples or arguments.
    """
    run_folder.keep_labels(folder, run.train, resumed)
    pictures.write_unreadable(run, folder)
    pictures.write_duplicates(run, folder)
    if run.record is not None:
        run_folder.keep_samples(folder, run.record)
    path = os.path.join(folder, run_folder.CONFIG)
    if extension is not None:
        samples = {k: v for k, v in used(run).items() if k == TRUSTED}
        run_folder.check_used(folder, samples)
        with open(path, encoding="utf-8") as stream:
            before = json.load(stream)
        # When and by which version it was begun stays.
        changed = _config(run) | facts
        kept = {name: before[name] for name in _OF_START if name in before}
        more = {extending.KEY: list(extension.earlier)}
        run_folder.write_json(path, changed | kept | more)
    elif resumed:
        run_folder.check_used(folder, used(run), defaults(run))
    else:
        run_folder.write_json(path, _config(run) | facts)


def _config(run):
    return {
        "config_version": config_file.VERSION,
        "settings": run.settings.as_dict(),
        "flags": config_file.given_flags(),
        **used(run),
        "effective_noise_rate": run.effective_noise_rate,
        "noise": run.train.noise,
        "samples": run.train.num_samples,
        "classes": list(run.train.class_names),
        "versions": {
            "noisy_keras": __version__,
            **{name: metadata.version(name) for name in _PACKAGES},
            "python": platform.python_version(),
        },
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def used(run):
    """What a resumed run must have in common with its first process.

    Args:
        run: `Run`.

    Returns:
        dict of parts of the config: all arguments of the method and of its
        plug-ins, defaults included, and which samples are trusted, as a file
        may have changed under its name.
    """
    trusted = {}
    if run.trusted is not None:
        trusted[TRUSTED] = {
            "count": run.trusted.num_samples,
            "sha256": manifest.fingerprint(run.trusted),
        }
    return {
        "method": getattr(run.model, "settings", {}),
        "plugins": {
            plugin.name: getattr(plugin, "settings", {})
            for plugin in run.model.plugins
        },
        **trusted,
    }


def defaults(run):
    """The defaults of the arguments in `used`.

    Args:
        run: `Run`.

    Returns:
        dict of `method` and `plugins`, as of `used`; arguments that must be
        given are not in it.
    """

    def of(owner):
        settings = getattr(owner, "settings", {})
        parameters = inspect.signature(type(owner)).parameters
        return {
            name: parameters[name].default
            for name in settings
            if name in parameters
            and parameters[name].default is not inspect.Parameter.empty
        }

    return {
        "method": of(run.model),
        "plugins": {plugin.name: of(plugin) for plugin in run.model.plugins},
    }
