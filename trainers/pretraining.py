"""Training and finishing a run of a method that learns without labels."""

import os

from rich import table

from noisy_keras import callbacks
from noisy_keras.callbacks import metrics_log
from noisy_keras.core import distribution
from noisy_keras.methods.self_supervised import SelfSupervisedModel
from trainers import progress
from trainers import rates
from trainers import run_folder
from trainers import summary as summary_module

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
    options = run.settings.training
    judged = {"validation": run.validation, "test": run.test}
    judged = {name: s for name, s in judged.items() if s is not None}
    bar = progress.Progress(out, run.judged_name, options["epochs"])
    try:
        run.model.fit(
            run.train,
            epochs=options["epochs"],
            batch_size=options["batch_size"],
            steps_per_epoch=options["steps_per_epoch"],
            seed=options["seed"],
            verbose=0,
            callbacks=[
                rates.callback(options),
                callbacks.NearestNeighbors(run.train, judged, knn_every),
                bar,
                callbacks.MetricsLog(os.path.join(folder, "metrics.jsonl")),
                callbacks.Summaries(os.path.join(folder, "tensorboard")),
                callbacks.ResumableCheckpoint(
                    os.path.join(folder, "checkpoints")
                ),
            ],
        )
    finally:
        bar.close()


def finish(run, folder, out):
    """Writes encoder, model, audit and summary, and prints the final table."""
    audit = run.model.label_audit(run.train)
    records = metrics_log.read(os.path.join(folder, "metrics.jsonl"))
    summary = _summary(run, records, audit)
    if not distribution.is_chief(run.strategy):
        return
    audit.to_csv(os.path.join(folder, "label_audit.csv"))
    run_folder.save_model(os.path.join(folder, ENCODER), run.model.encoder)
    run_folder.save_model(os.path.join(folder, "model.keras"), run.model)
    run_folder.write_json(os.path.join(folder, run_folder.SUMMARY), summary)
    _print(out, summary, folder)


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
        "knn": "share of pictures of whose label, as given in the training "
        "set and as published elsewhere, their nearest training pictures, by "
        "cosine similarity of embeddings, give most votes by theirs as given; "
        "nothing was selected by it",
        "loss": records[-1]["loss"],
        "labels": summary_module.found_labels(run, audit),
        "wall_seconds": round(sum(r["seconds"] for r in records), 1),
        "epochs": len(records),
    }


def _print(out, summary, folder):
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
    wrong = labels["suspect"] + labels["relabelled"]
    out.print(
        f"Labels that their neighbours do not share: {wrong} of "
        f"{labels['samples']}."
    )
    if labels.get("label_auc") is not None:
        out.print(f"Against the true labels: AUC {labels['label_auc']:.3f}.")
    out.print(f"Files in {folder}:")
    for name, what in (
        (ENCODER, "the network, for `nk.networks.warm_started` to start from"),
        ("label_audit.csv", "every label, and what its neighbours' are"),
        ("model.keras", "the whole model, for keras.models.load_model"),
        ("summary.json", "the figures above and more"),
        ("metrics.jsonl", "all metrics of every epoch"),
        (run_folder.LABELS, "the labels that neighbours vote by"),
        ("tensorboard/", "curves: tensorboard --logdir " + folder),
    ):
        out.print(f"  {name:<20} {what}")
