"""Preparing, training and finishing a run."""

import csv
import dataclasses
import os
from typing import Any

import keras
import numpy as np

import noisy_keras as nk
from noisy_keras import callbacks
from noisy_keras.callbacks import metrics_log
from noisy_keras.utils import distribution
from noisy_keras.utils import files as files_module
from trainers import UsageError
from trainers.flags.settings import Settings
from trainers.run import callbacks as run_callbacks
from trainers.run import data as data_module
from trainers.run import feature_files
from trainers.run import folder as run_folder
from trainers.run import learning_rate
from trainers.run import noise_estimate
from trainers.run import phases
from trainers.run import progress
from trainers.run import reporting
from trainers.run import serving
from trainers.run import strategies
from trainers.run import summary as summary_module
from trainers.run import trusted_set


@dataclasses.dataclass
class Run:
    """A run that is ready to train."""

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

    @property
    def judged(self):
        """The source of `val_accuracy`: validation, or test without one."""
        return self.test if self.validation is None else self.validation

    @property
    def judged_name(self):
        return "test" if self.validation is None else "validation"

    @property
    def effective_noise_rate(self):
        """Share of wrong training labels, or None where unknown."""
        known = self.train.truth_known
        if not known.any():
            return None
        wrong = (self.train.labels != self.train.true_labels)[known]
        return round(float(np.mean(wrong)), 6)


def prepare(settings, data_dir, distribute, build, labels=None):
    """Loads the data and builds the compiled model.

    Args:
        settings: `Settings`.
        data_dir: TFDS folder, or None.
        distribute: name of the strategy.
        build: function of (network, source, settings) to a model.
        labels: noise manifest of a run that goes on, or None.

    Returns:
        A `Run`.

    Raises:
        UsageError: what the library refuses, as one line.
    """
    options = settings.training
    try:
        strategy = strategies.make(distribute)
        policy = {"off": "float32"}.get(
            options["mixed_precision"], f"mixed_{options['mixed_precision']}"
        )
        keras.mixed_precision.set_global_policy(policy)
        sources = data_module.sources(settings.data, data_dir, labels)
        train = sources.train
        if options["batch_size"] > train.num_samples:
            raise UsageError(
                "--batch_size: expected at most the number of training "
                f"samples, {train.num_samples}; got {options['batch_size']}"
                + (
                    ""
                    if "batch_size" in settings.replaced
                    else ", which is the preset's: give a smaller one"
                )
            )
        # After the data, which may have trained a network to make noise.
        keras.utils.set_random_seed(options["seed"])
        with strategy.scope():
            network = None  # Where a method brings its own.
            if options["network"] is not None:
                network = nk.networks.build(
                    options["network"], train, width=options["width"]
                )
            model = build(network, train, settings)
            jit = {"true": True, "false": False}
            model.compile(
                learning_rate.optimizer(options, train.num_samples),
                jit_compile=jit.get(options["jit_compile"], "auto"),
            )
        path, rows = settings.host.get("features"), None
        if path is not None and path.endswith(".npy"):
            rows = feature_files.rows(path, sources)
        run = Run(
            settings,
            train,
            sources.validation,
            sources.test,
            model,
            strategy,
            sources.trusted,
            sources.removed,
            features=rows,
            corrections=sources.corrections,
        )
        if isinstance(model, nk.recipes.Recipe):
            model.check(train, **_beside(run))
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    return run


def describe(run):
    """What the run trains on, in a few lines."""
    train, model = run.train, run.model
    lines = [
        f"{train.num_samples} training images, {train.num_classes} classes"
    ]
    if train.noise is not None:
        lines[0] += (
            f", {train.noise['rate']:.0%} {train.noise['type']} noise "
            f"({train.noise['convention']}): {run.effective_noise_rate:.1%} of "
            "the labels are wrong"
        )
    lines += map(str, run.corrections)
    if run.trusted is not None:
        lines.append(
            trusted_set.describe(run.trusted, run.settings.data, run.removed)
        )
    if unreadable(train):
        lines.append(
            f"{len(unreadable(train))} pictures cannot be read and were left "
            "out"
        )
    size = model.networks[0].count_params()
    count = len(model.networks)
    networks = f"{count} networks of" if count > 1 else "one network of"
    options = run.settings.training
    name = options["network"] or model.networks[0].name
    lines.append(f"{networks} {size:,} parameters ({name})")
    if "epochs" in run.settings.host:  # Of a recipe's last phase.
        options = options | {"epochs": run.settings.host["epochs"]}
    lines += learning_rate.describe(options, train.num_samples)
    if run.strategy.num_replicas_in_sync > 1:
        lines.append(f"{run.strategy.num_replicas_in_sync} replicas")
    return "\n".join(lines)


def unreadable(source):
    """Pictures that could not be read: dict from path to the reason."""
    return getattr(source, "unreadable", {})


def train(run, folder, out, picture_every, knn_every=5):
    """Trains to the last epoch, from wherever an earlier process got to.

    Args:
        run: `Run`.
        folder: of the run.
        out: rich console.
        picture_every: epochs between pictures, or None.
        knn_every: epochs between measurements of nearest neighbours, where a
            phase learns without labels.

    Raises:
        FloatingPointError: the loss diverged; checkpoints stay.
    """
    bar = progress.Progress(
        out, run.judged_name, run.settings.training["epochs"]
    )
    try:
        if isinstance(run.model, nk.recipes.Recipe):
            options = fit_options(run)
            phases.train(
                run, folder, out, bar, options, picture_every, knn_every
            )
        else:
            _train_model(run, folder, out, bar, picture_every)
    finally:
        bar.close()


def _train_model(run, folder, out, bar, picture_every):
    options = run.settings.training
    run.model.fit(
        run.train,
        epochs=options["epochs"],
        callbacks=[
            learning_rate.callback(options, run.train.num_samples),
            *run_callbacks.test_accuracy(run),
            callbacks.LabelQuality(run.train),
            bar,
            *noise_estimate.make(run, folder, out),
            *run_callbacks.records(folder, run.train, picture_every),
            callbacks.ResumableCheckpoint(os.path.join(folder, "checkpoints")),
        ],
        **fit_options(run),
    )


def fit_options(run):
    """Arguments of `fit` that all methods are given."""
    options = run.settings.training
    return {
        "batch_size": options["batch_size"],
        "steps_per_epoch": options["steps_per_epoch"],
        "validation_data": run.judged,
        "seed": options["seed"],
        "verbose": 0,
        **_beside(run),
    }


def _beside(run):
    """What `fit` takes beside a source; no other method knows it."""
    given = {"trusted": run.trusted, "features": run.features}
    return {name: v for name, v in given.items() if v is not None}


def finish(run, folder, out, export=True):
    """Writes audit, model and summary, and prints the final table.

    Args:
        run: `Run`.
        folder: of the run.
        out: rich console.
        export: whether to write what can be served.
    """
    audit = (run.recipe or run.model).label_audit(run.train)
    records = metrics_log.read(os.path.join(folder, "metrics.jsonl"))
    summary = summary_module.summarize(run, records, audit)
    calibration = reporting.calibration(run, out)
    if distribution.is_chief(run.strategy):
        files = save(run, folder, audit, summary, out, calibration)
        if export:
            files += serving.write(run, folder, out)
        told = phases.describe(run)
        progress.print_summary(out, summary, folder, files, told)


def save(run, folder, audit, summary, out, calibration=None):
    """Writes what a run leaves, each file whole or not at all.

    Args:
        run: `Run`.
        folder: of the run.
        audit: `LabelAudit` of what it was trained on.
        summary: dict.
        out: rich console.
        calibration: dict, or None where no classes are predicted.

    Returns:
        The files to point to: list of (name, what it is).
    """
    audit.to_csv(os.path.join(folder, "label_audit.csv"))
    run_folder.save_model(os.path.join(folder, "model.keras"), run.model)
    if calibration is not None:
        run_folder.write_json(
            os.path.join(folder, run_folder.CALIBRATION), calibration
        )
    run_folder.write_json(os.path.join(folder, run_folder.SUMMARY), summary)
    files = reporting.write(run, folder, out)
    if run.recipe is not None:
        files.append(("phases/", "what each phase left for the next"))
    if unreadable(run.train):
        _write_unreadable(
            os.path.join(folder, "unreadable.csv"), unreadable(run.train)
        )
        files.append(("unreadable.csv", "pictures that were left out, and why"))
    files += [
        ("label_audit.csv", "every label: right or wrong, and what is likely"),
        ("model.keras", "the trained model, for keras.models.load_model"),
        ("summary.json", "the figures above and more"),
        ("metrics.jsonl", "all metrics of every epoch"),
        (run_folder.LABELS, "the labels as the run was given them"),
        *_estimate_file(run),
        ("tensorboard/", "curves: tensorboard --logdir " + folder),
    ]
    if os.path.isdir(os.path.join(folder, "pictures")):
        files.append(("pictures/", "masks and reconstructions"))
    return files


def _estimate_file(run):
    if run.estimate is None:
        return []
    return [(noise_estimate.FILE, "which classes are given for which")]


def _write_unreadable(path, problems):
    with files_module.replacing(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "reason"])
        writer.writerows(sorted(problems.items()))
