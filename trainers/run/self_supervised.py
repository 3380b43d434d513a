"""What is particular to runs of methods that learn without labels.

`classification` has the same functions, for methods that predict classes.
"""

import os

from rich import table

from noisy_keras import callbacks
from trainers.run import callbacks as run_callbacks
from trainers.run import folder as run_folder

#: The encoder's file in the folder of a run.
ENCODER = "encoder.keras"

_MEASURED = {
    "knn_given": "training pictures, labels as given",
    "knn_validation": "validation pictures",
    "knn_test": "test pictures",
}


def measurements(run, source, knn_every=5, say=None):
    """As `classification.measurements`: the accuracy of nearest neighbours."""
    del say
    judged = {"validation": run.validation, "test": run.test}
    judged = {name: s for name, s in judged.items() if s is not None}
    return [callbacks.NearestNeighbors(source, judged, knn_every)]


def records(run, folder, source, picture_every=None, phase=None):
    """As `classification.records`: there are no losses of labels to draw."""
    del source, picture_every
    return run_callbacks.logs(run, folder, phase)


def keep_best(run, folder):
    """Features are those of the last epoch: an empty list."""
    del run, folder
    return []


def validation_data(run):
    """None: such a method predicts no classes that could be judged."""
    del run


def calibration(run, out):
    """None: such a method predicts no probabilities."""
    del run, out


def artefacts(run, folder, out, export):
    """As `classification.artefacts`: the encoder, which is not served."""
    del out, export
    run_folder.save_model(os.path.join(folder, ENCODER), run.model.encoder)
    return [
        (ENCODER, "the network, for `nk.networks.warm_started` to start from")
    ]


def summary(run, epochs):
    """As `classification.summary`: accuracies of nearest neighbours."""
    del run
    measured = [r for r in epochs if "knn_given" in r]
    steps = {"first": measured[0], "final": measured[-1]}
    return {
        **{
            name: {"epoch": r["epoch"]}
            | {key: r[key] for key in _MEASURED if key in r}
            for name, r in steps.items()
        },
        "knn": "share of pictures whose label gets most votes of their nearest "
        "training pictures (cosine similarity of embeddings; these vote by "
        "their labels as given); nothing was selected by it",
        "loss": epochs[-1]["loss"],
    }


def print_results(out, found):
    """As `classification.print_results`."""
    first, final = found["first"], found["final"]
    accuracy = table.Table(
        title="Accuracy of nearest neighbours", title_justify="left"
    )
    accuracy.add_column("")
    for row in (first, final):
        accuracy.add_column(f"epoch {row['epoch']}", justify="right")
    for name, what in _MEASURED.items():
        if name in final:
            accuracy.add_row(what, f"{first[name]:.2%}", f"{final[name]:.2%}")
    out.print(accuracy)


def print_labels(out, labels):
    """As `classification.print_labels`."""
    every = labels.get("all", labels)
    unread = every.get("unreadable", 0)
    wrong = every["samples"] - every["ok"] - unread
    out.print(
        f"Labels that their neighbours do not share: {wrong} of "
        f"{every['samples']}."
    )
    if labels.get("label_auc") is not None:
        out.print(f"Against the true labels: AUC {labels['label_auc']:.3f}.")
