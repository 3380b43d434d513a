"""The parts of an analysis: what each computes, writes and prints."""

import dataclasses
import os

import numpy as np
from rich import table

from noisy_keras import analysis
from noisy_keras.labels import detection as detection_module
from noisy_keras.labels import measuring
from noisy_keras.labels import scores as scores_module
from noisy_keras.utils import names
from trainers import UsageError
from trainers.inspection import audit_export
from trainers.run import errors
from trainers.run import folder as run_folder

_KINDS = {
    "all": "all wrong labels",
    "in_distribution": "in distribution",
    "out_of_distribution": "foreign pictures",
}
_DETECTORS = {"label_audit": "label audit", "beta_mixture": "Beta mixture"}


def write(run, folder, out, parts, samples, pictures, pairs, seed):
    """Analyses a run.

    Args:
        run: `FinishedRun`.
        folder: str, folder to write to; it exists.
        out: rich console.
        parts: list of str, some of `trainers.analyze.PARTS`.
        samples: int, most samples for the probes.
        pictures: int, number of pictures with class maps.
        pairs: int, number of pairs of true and given class.
        seed: int, seed of the choice of samples.

    Raises:
        UsageError: arguments that do not fit the run.
    """
    what = "pictures" if len(run.train.image_shape) == 3 else "vectors"
    out.print(
        f"{run.method} on {run.data['dataset']}: {run.train.num_samples} "
        f"training {what}, {len(run.model.networks)} network(s)"
    )
    written = []
    with errors.reported(OSError):
        scores = _scores(run)
        if "detection" in parts:
            written += detection(run.train, scores, folder, out, pairs)
        if "histogram" in parts:
            written += histogram(run.train, scores, folder)
        if "class_maps" in parts and len(run.train.image_shape) != 3:
            out.print("No class maps: features have no places to map.")
        elif "class_maps" in parts:
            written += class_maps(run, scores, folder, out, pictures)
        if "probes" in parts and run.judged is None:
            out.print("No probes: no samples are held out to judge them by.")
        elif "probes" in parts:
            written += probes(run, scores, folder, out, samples, seed)
    out.print(f"Files in {folder}:")
    for name, what in written:
        out.print(f"  {name:<26} {what}")


def _scores(run):
    """The scores of the training samples, of which some may be gone."""
    if not (run.changes and run.changes.gone):
        return analysis.sample_scores(run.model, run.train)
    # Tables have a row for each sample that there was. The audit has, too.
    audit = audit_export.read(run.folder, run_folder.AUDIT)
    clean = {
        row["id"]: float(row["clean_probability"])
        for row in audit.rows
        if row.get("split") != "validation"
    }
    missing = [name for name in run.train.ids if name not in clean]
    if missing:
        raise UsageError(
            f"--run: expected all training samples in the {run_folder.AUDIT} "
            f"of {run.folder}; {len(missing)} have no line, such as "
            f"{missing[0]}"
        )
    loss = measuring.measure(run.model, run.train).loss.mean(axis=1)
    return scores_module.SampleScores(
        loss=loss,
        clean_probability=np.asarray(
            [clean[name] for name in run.train.ids], np.float32
        ),
        detection=detection_module.detect(loss),
    )


def detection(source, scores, folder, out, pairs=10):
    """Writes `detection.json` and prints its table.

    Args:
        source: `Source` in training.
        scores: `SampleScores`.
        folder: str, folder to write to.
        out: rich console.
        pairs: int, number of pairs of true and given class.

    Returns:
        A list of (name of a file, what it is).
    """
    found = scores.detection
    detectors = {
        "label_audit": (
            -scores.clean_probability,
            scores.clean_probability < 0.5,
        ),
        "beta_mixture": (
            1.0 - found.clean_probability,
            found.clean_probability < 0.5,
        ),
    }
    content = {
        "samples": source.num_samples,
        "truth_known": int(source.truth_known.sum()),
        "measure": "cross-entropy to the given label in nats, mean over "
        "networks",
        "mixture": _mixture(found),
    }
    qualities = {}
    for name, (score, wrong) in detectors.items():
        qualities[name] = analysis.detection_quality(
            source, score, wrong, pairs
        )
        content[name] = {
            "called_wrong": int(wrong.sum()),
            "quality": [dataclasses.asdict(q) for q in qualities[name]],
        }
        out.print(
            f"{_DETECTORS[name]}: {int(wrong.sum())} of {source.num_samples} "
            "labels called wrong"
        )
    if found.outcome != "fitted":
        out.print(f"Beta mixture: {detection_module.OUTCOMES[found.outcome]}")
    _print_detection(out, qualities)
    run_folder.write_json(os.path.join(folder, "detection.json"), content)
    return [("detection.json", "wrong labels found, by kind of noise")]


def _mixture(found):
    described = {
        "outcome": found.outcome,
        "low_nats": found.low,
        "high_nats": found.high,
    }
    if found.mixture is not None:
        described |= {
            "weights": found.mixture.weights.tolist(),
            "alpha": found.mixture.concentration1.tolist(),
            "beta": found.mixture.concentration0.tolist(),
        }
    return described


def _print_detection(out, qualities):
    rows = list(zip(*qualities.values(), strict=True))
    if not rows:
        out.print("No label is known to be wrong: no precision or recall.")
        return
    grid = table.Table(title="Detection of wrong labels", title_justify="left")
    grid.add_column("kind (true -> given)")
    grid.add_column("labels", justify="right")
    for name in qualities:
        # One column for three numbers: six do not fit into 80 characters.
        grid.add_column(f"{_DETECTORS[name]}\nprec. recall   AUC", no_wrap=True)
    for row in rows:
        first = row[0]
        kind = _KINDS.get(first.kind) or f"{first.true} -> {first.given}"
        grid.add_row(
            names.one_line(kind), str(first.wrong), *(_figures(q) for q in row)
        )
    out.print(grid)
    out.print(
        "Precision and recall in %. A pair is compared with right labels of "
        "the same given\nclass, every other kind with all right labels."
    )


def _figures(quality):
    precision = "-"
    if quality.precision is not None:
        precision = f"{100 * quality.precision:.1f}"
    auc = "-" if quality.auc is None else f"{quality.auc:.3f}"
    return f"{precision:>5} {100 * quality.recall:>6.1f} {auc:>5}"


def histogram(source, scores, folder):
    """Writes `measure_histogram.png`.

    Args:
        source: `Source` in training.
        scores: `SampleScores`.
        folder: str, folder to write to.

    Returns:
        A list of (name of a file, what it is).
    """
    name = "measure_histogram.png"
    analysis.draw_histogram(
        os.path.join(folder, name),
        source,
        scores.loss,
        scores.detection,
        "How far each picture's prediction is from the label that it was given",
    )
    return [(name, "losses, and the Beta mixture that divides them")]


def class_maps(run, scores, folder, out, pictures=12):
    """Writes `class_maps_network_1.png` and so on.

    Args:
        run: `FinishedRun`.
        scores: `SampleScores`.
        folder: str, folder to write to.
        out: rich console.
        pictures: int, number of samples to show.

    Returns:
        A list of (name of a file, what it is).
    """
    index = analysis.mislabelled(run.train, scores.clean_probability, pictures)
    if not len(index):
        out.print("No label is wrong: no class maps of wrong labels.")
        return []
    written = []
    for number, network in enumerate(run.model.networks, start=1):
        found = analysis.class_maps(network, run.train, index)
        if found is None:
            out.print(
                f"network {number}: no class maps, because its logits are not "
                "a linear layer on the mean of its last feature map"
            )
            continue
        name = f"class_maps_network_{number}.png"
        analysis.draw_class_maps(
            os.path.join(folder, name), run.train, found, f"network {number}"
        )
        written.append((name, "where it looks to explain a wrong label"))
    return written


def probes(run, scores, folder, out, samples=5000, seed=0):
    """Writes `probes.json` and `probes.png` and prints the table.

    Args:
        run: `FinishedRun`.
        scores: `SampleScores`.
        folder: str, folder to write to.
        out: rich console.
        samples: int, most samples to train and to judge on.
        seed: int, seed of their choice.

    Returns:
        A list of (name of a file, what it is).
    """
    found = analysis.linear_probes(
        run.model,
        run.train,
        run.judged,
        scores.clean_probability,
        samples=samples,
        seed=seed,
    )
    content = dataclasses.asdict(found) | {
        "judged_on": run.judged_name,
        "seed": seed,
    }
    run_folder.write_json(os.path.join(folder, "probes.json"), content)
    analysis.draw_probes(
        os.path.join(folder, "probes.png"),
        found,
        f"Linear probes judged on {run.judged_name}",
    )
    _print_probes(out, found, run.judged_name)
    return [
        ("probes.json", "linear probes on the features at every depth"),
        ("probes.png", "the same over depth"),
    ]


def _print_probes(out, found, judged_name):
    grid = table.Table(
        title=f"Linear probes, accuracy on {judged_name}", title_justify="left"
    )
    grid.add_column("depth")
    grid.add_column("feature map", justify="right")
    numbers = range(len(found.classifier))
    for number in numbers:
        grid.add_column(f"network {number + 1}", justify="right")
    rows = {}
    for probe in found.probes:
        key = (probe.depth, "x".join(map(str, probe.shape)))
        mark = "" if probe.converged else "*"
        rows.setdefault(key, {})[probe.network] = (
            f"{probe.accuracy:.1%} ± {probe.error:.1%}{mark}"
        )
    for (depth, shape), cells in rows.items():
        grid.add_row(depth, shape, *(cells.get(n, "") for n in numbers))
    grid.add_row(
        "own classifier", "", *(f"{own:.1%}" for own in found.classifier)
    )
    out.print(grid)
    labels = {
        "true": "true labels",
        "given": "given labels that are likely clean",
    }[found.labels]
    judged = {
        "true": "their true labels",
        "given": "the labels that they came with",
    }[found.judged_labels]
    out.print(
        f"Trained on {labels} of {found.train_samples} pictures; judged on "
        f"{found.judged_samples} pictures\nof {judged_name} by {judged}."
    )
    if not all(probe.converged for probe in found.probes):
        out.print("* stopped before its optimiser had converged")
