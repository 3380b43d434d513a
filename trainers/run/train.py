"""The second part of a run: training, from wherever it was interrupted."""

import os

import noisy_keras as nk
from noisy_keras import callbacks
from trainers.presets.shared import learning_rate
from trainers.run import callbacks as run_callbacks
from trainers.run import noise_estimate
from trainers.run import progress
from trainers.run import recipes


def train(run, folder, out, picture_every=None, knn_every=5):
    """Trains to the last epoch, from wherever an earlier process got to.

    Args:
        run: `Run`.
        folder: str, folder of the run.
        out: rich console.
        picture_every: int, epochs between pictures, or None.
        knn_every: int, epochs between measurements of nearest neighbours,
            where features are learnt without labels.

    Raises:
        FloatingPointError: the loss diverged; checkpoints stay.
    """
    epochs = run.settings.training["epochs"]
    bar = progress.Progress(out, run.judged_name, epochs, faster(run))
    try:
        if isinstance(run.model, nk.recipes.Recipe):
            recipes.train(
                run,
                folder,
                out,
                bar,
                fit_options(run),
                picture_every=picture_every,
                knn_every=knn_every,
            )
        else:
            _train_model(run, folder, out, bar, picture_every, knn_every)
    finally:
        bar.close()


def faster(run):
    """What would train a run's method in less time.

    Args:
        run: `Run`.

    Returns:
        str, flags.
    """
    found = ["fewer --epochs"]
    pictures = len(run.train.image_shape) == 3 and run.encoding is None
    if pictures and run.settings.data["image_size"] is not None:
        found.append("a smaller --image_size")
        options = run.settings.training
        alone = not (options.get("weights") or run.model.plugins)
        if alone and options["network"] is not None:
            found.append(
                "--frozen_backbone=efficientnet_lite0, which sees each image "
                "once"
            )
    return ", ".join(reversed(found))


def _train_model(run, folder, out, bar, picture_every, knn_every):
    options = run.settings.training
    kept = run.variant.keep_best(run, folder)
    run.model.fit(
        run.train,
        epochs=options["epochs"],
        callbacks=[
            learning_rate.callback(options, run.train.num_samples),
            *run_callbacks.freezing(run),
            *run.variant.measurements(run, run.train, knn_every, out.print),
            bar,
            *noise_estimate.make(run, folder, out),
            *run.variant.records(run, folder, run.train, picture_every),
            *kept,
            callbacks.ResumableCheckpoint(os.path.join(folder, "checkpoints")),
        ],
        **fit_options(run),
    )
    for callback in kept:
        run.kept_epoch, run.keeper = callback.kept_epoch, callback


def fit_options(run):
    """Arguments of `fit` that do not depend on the kind of the method.

    Args:
        run: `Run`.

    Returns:
        dict.
    """
    options = run.settings.training
    return {
        "batch_size": options["batch_size"],
        "steps_per_epoch": options["steps_per_epoch"],
        "validation_data": run.variant.validation_data(run),
        "seed": options["seed"],
        "verbose": 0,
        **run.fit_inputs,
    }
