"""Training the phases of a recipe, and the results of each."""

import tensorflow as tf

from noisy_keras import recipes
from noisy_keras.labels.quality import label_quality
from noisy_keras.recipes import host_recipe
from noisy_keras.recipes import purification
from trainers import UsageError
from trainers.run import callbacks as run_callbacks
from trainers.run import classification
from trainers.run import noise_estimate
from trainers.run import self_supervised


def train(run, folder, out, bar, options, picture_every=None, knn_every=5):
    """Trains all phases; the run then has the last one's model.

    Args:
        run: `Run`, whose model is a recipe.
        folder: str, folder of the run.
        out: rich console.
        bar: `progress.Progress`.
        options: dict, arguments of the recipe's `fit`.
        picture_every: int, epochs between pictures, or None.
        knn_every: int, epochs between measurements of nearest neighbours.

    Raises:
        UsageError: the folder holds phases of another configuration, or a
            phase cannot go on with what the one before it left.
    """
    recipe = run.model
    if isinstance(recipe, recipes.Auto):
        # As for other methods: results on added noise are those of the last
        # epoch, and the test set selects nothing.
        recipe.selects = classification.selects(run)

    def callbacks_of(phase):
        bar.phase = phase.name
        bar.expect(recipe.phases[-1].end)
        variant, source = classification, recipe.labels_of(phase, run.train)
        if phase.name == host_recipe.PRETRAIN:
            variant, source = self_supervised, run.train
        return [
            *run_callbacks.freezing(run),
            *variant.measurements(run, source, knn_every, out.print),
            bar,
            *_estimate(run, folder, out, phase),
            *variant.records(run, folder, source, picture_every, phase.name),
        ]

    _expect_retracing()
    try:
        run.model = recipe.fit(
            run.train,
            directory=folder,
            callbacks=callbacks_of,
            report=out.print,
            **options,
        )
    except recipes.ArtefactError as error:
        raise UsageError(f"--output_dir: {error}") from error
    except recipes.PhaseError as error:
        raise UsageError(str(error)) from error
    run.recipe = recipe
    if isinstance(recipe, recipes.Auto):
        noise_estimate.keep(run, folder)


def _expect_retracing():
    """Filters TensorFlow's warning of many traces.

    Each phase of a recipe has a model of its own, which is traced once.
    """
    logger = tf.get_logger()
    logger.addFilter(lambda record: "retracing" not in record.getMessage())


def _estimate(run, folder, out, phase):
    """Noise of unknown rate is estimated after C2D's warm-up."""
    if not isinstance(run.model, recipes.C2D):
        return []  # Auto estimates by itself.
    if phase.name == host_recipe.PRETRAIN:
        return []
    warmup = run.settings.arguments["host_options"].get("warmup_epochs", 0)
    return noise_estimate.make(run, folder, out, warmup, phase.first_epoch)


def summary(run, epochs):
    """The part of `summary.json` on phases, detections and purified labels.

    Args:
        run: `Run`, whose recipe is trained.
        epochs: list of dicts, the records of `metrics.jsonl`.

    Returns:
        dict.
    """
    last = {
        r["phase"]: classification.accuracies(r, run.judged_name)
        for r in epochs
        if run.judged is None or "val_accuracy" in r
    }
    detections = {}
    for name, division in getattr(run.recipe, "divisions", {}).items():
        quality = label_quality(run.train, division.clean_probability)
        detections[name] = {
            "outcome": str(division.found["outcome"]),
            "believed": int(division.labeled.sum()),
            **quality,
            "fallback": division.fallback or None,
        }
    found = {"phases": last} | _purified(run) | _decided(run.recipe)
    return found | ({"detections": detections} if detections else {})


def _decided(recipe):
    """What a recipe has found and decided while it trained."""
    if not isinstance(recipe, recipes.Auto):
        return {}
    return {
        "auto": {
            "candidate": recipe.candidate,
            "decisions": recipe.decisions,
            **recipe.findings,
        },
        "kept_epoch": recipe.findings.get("kept_epoch", recipe.phases[-1].end),
    }


def _purified(run):
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


def print_results(out, run):
    """Prints what purification did, where the recipe has purified labels.

    Args:
        out: rich console.
        run: `Run`, whose recipe is trained.
    """
    found = getattr(run.recipe, "purified", None)
    if found is not None:
        described = purification.describe(found, run.train)
        out.print(f"Purified labels: {described}.")
