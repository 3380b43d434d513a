"""Training the phases of a recipe, and what a run tells of them."""

from noisy_keras import callbacks
from noisy_keras import recipes
from noisy_keras.recipes import host_recipe
from noisy_keras.recipes import purification
from trainers import UsageError
from trainers.run import callbacks as run_callbacks
from trainers.run import noise_estimate
from trainers.run import startup_log


def train(run, folder, out, bar, options, picture_every, knn_every):
    """Trains all phases; the run then has the last one's model.

    Args:
        run: `Run`, whose model is a recipe.
        folder: of the run.
        out: rich console.
        bar: `progress.Progress`.
        options: dict, of the recipe's `fit`.
        picture_every: epochs between pictures, or None.
        knn_every: epochs between measurements of nearest neighbours.

    Raises:
        UsageError: the folder holds phases of another configuration, or a
            phase can do nothing with what it was given.
    """
    recipe = run.model

    def watch(phase):
        bar.phase = phase.name
        if phase.name == host_recipe.PRETRAIN:
            judged = {"validation": run.validation, "test": run.test}
            judged = {k: s for k, s in judged.items() if s is not None}
            neighbors = callbacks.NearestNeighbors(run.train, judged, knn_every)
            return [neighbors, bar, *run_callbacks.logs(folder, phase.name)]
        source = recipe.labels_of(phase, run.train)
        return [
            *run_callbacks.test_accuracy(run),
            callbacks.LabelQuality(source),
            bar,
            *_estimate(run, folder, out, phase),
            *run_callbacks.records(folder, source, picture_every, phase.name),
        ]

    startup_log.expected_retracing()
    try:
        run.model = recipe.fit(
            run.train,
            directory=folder,
            callbacks=watch,
            report=out.print,
            **options,
        )
    except recipes.ArtefactError as error:
        raise UsageError(f"--output_dir: {error}") from error
    except recipes.PhaseError as error:
        raise UsageError(str(error)) from error
    run.recipe = recipe


def _estimate(run, folder, out, phase):
    """Noise of unknown rate is estimated after C2D's warm-up."""
    if not isinstance(run.model, recipes.C2D):
        return []
    warmup = run.settings.host["host_options"].get("warmup_epochs", 0)
    return noise_estimate.make(run, folder, out, warmup, phase.first_epoch)


def purified(run):
    """What `summary.json` holds of purified labels: dict, maybe empty."""
    found = getattr(run.recipe, "purified", None)
    if found is None:
        return {}
    right = purification.right_labels(found, run.train)
    return {
        "purification": {
            "replaced": int(found.replaced.sum()),
            "candidate": found.candidate,
            "epoch": found.epoch + 1,
            "held_out_accuracy": found.held_out_accuracy,
            "estimated_noise_rate": found.noise.rate,
            "right_labels": right or None,
        }
    }


def describe(run):
    """The same in a line for people, or None."""
    found = getattr(run.recipe, "purified", None)
    if found is None:
        return None
    return f"Purified labels: {purification.describe(found, run.train)}."
