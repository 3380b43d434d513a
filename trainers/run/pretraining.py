"""Training and finishing a run of a method that learns without labels."""

import os

from rich import table

from noisy_keras import callbacks
from noisy_keras.callbacks import metrics_log
from noisy_keras.methods.bases.self_supervised import SelfSupervisedModel
from noisy_keras.utils import distribution
from trainers.run import folder as run_folder
from trainers.run import learning_rate
from trainers.run import progress
from trainers.run import summary as summary_module
from trainers.run import training

#: Of the encoder's file in the run's folder.
ENCODER = "encoder.keras"

_WHAT = {
    "knn_given": "training pictures, labels as given",
    "knn_validation": "validation pictures",
    "knn_test": "test pictures",
}


def is_for(run):
    """Whether a run is of such a method."""
    return isinstance(run.model, SelfSupervisedModel)


def train(run, folder, out, knn_every):
    """Trains to the last epoch, from wherever an earlier process got to.

    Args:
        run: a `Run`.
        folder: of the run.
        out: rich console.
        knn_every: epochs between measurements of nearest neighbours.

    Raises:
        FloatingPointError: the loss diverged; checkpoints stay.
    """
    epochs = run.settings.training["epochs"]
    judged = {"validation": run.validation, "test": run.test}
    judged = {name: s for name, s in judged.items() if s is not None}
    bar = progress.Progress(out, epochs=epochs)
    try:
        run.model.fit(
            run.train,
            epochs=epochs,
            callbacks=[
                learning_rate.callback(
                    run.settings.training, run.train.num_samples
                ),
                callbacks.NearestNeighbors(run.train, judged, knn_every),
                bar,
                callbacks.MetricsLog(os.path.join(folder, "metrics.jsonl")),
                callbacks.Summaries(os.path.join(folder, "tensorboard")),
                callbacks.ResumableCheckpoint(
                    os.path.join(folder, "checkpoints")
                ),
            ],
            # It predicts no classes that could be judged.
            **training.fit_options(run) | {"validation_data": None},
        )
    finally:
        bar.close()


def finish(run, folder, out):
    """Writes encoder, model, audit and summary, and prints the final table."""
    audit = run.model.label_audit(run.train)
    records = metrics_log.read(os.path.join(folder, "metrics.jsonl"))
    summary = _summary(run, records, audit)
    if distribution.is_chief(run.strategy):
        encoder = os.path.join(folder, ENCODER)
        run_folder.save_model(encoder, run.model.encoder)
        files = training.save(run, folder, audit, summary, out)
        what = "the network, for `nk.networks.warm_started` to start from"
        _print(out, summary, folder, [(ENCODER, what), *files])


def _summary(run, records, audit):
    measured = [r for r in records if "knn_given" in r]
    steps = {"first": measured[0], "final": measured[-1]}
    return {
        "method": run.settings.method,
        "dataset": run.settings.data["dataset"],
        "effective_noise_rate": run.effective_noise_rate,
        **{
            name: {"epoch": r["epoch"]} | {k: r[k] for k in _WHAT if k in r}
            for name, r in steps.items()
        },
        "knn": "share of pictures whose label gets most votes of their nearest "
        "training pictures (cosine similarity of embeddings; these vote by "
        "their labels as given); nothing was selected by it",
        "loss": records[-1]["loss"],
        "labels": summary_module.found_labels(run, audit),
        "wall_seconds": round(sum(r["seconds"] for r in records), 1),
        "epochs": len(records),
    }


def _print(out, summary, folder, files):
    first, final = summary["first"], summary["final"]
    found = table.Table(
        title="Accuracy of nearest neighbours", title_justify="left"
    )
    found.add_column("")
    for row in (first, final):
        found.add_column(f"epoch {row['epoch']}", justify="right")
    for name, what in _WHAT.items():
        if name in final:
            found.add_row(what, f"{first[name]:.2%}", f"{final[name]:.2%}")
    out.print()
    out.print(found)
    labels = summary["labels"]
    wrong = labels["samples"] - labels["ok"]
    out.print(
        f"Labels that their neighbours do not share: {wrong} of "
        f"{labels['samples']}."
    )
    if labels.get("label_auc") is not None:
        out.print(f"Against the true labels: AUC {labels['label_auc']:.3f}.")
    out.print(f"Files in {folder}:")
    for name, what in files:
        out.print(f"  {name:<20} {what}")
