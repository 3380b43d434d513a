"""Predictions of pictures by a finished run, as a CSV file."""

import dataclasses
import json
import os

import numpy as np
from rich import box
from rich import table
from rich import text

from noisy_keras.core import prediction
from noisy_keras.data.io import csv_rows
from noisy_keras.utils import files
from trainers import UsageError
from trainers.inspection import feature_list
from trainers.inspection import picture_list
from trainers.run import errors
from trainers.run import folder as run_folder

# Unreadable files that are printed; the CSV file has all.
_SHOWN = 5


@dataclasses.dataclass
class _Tally:
    """What is counted while predictions are written.

    Attributes:
        counts: int `[K]`, number of pictures predicted as each class.
        sums: float `[K]`, sum of their probabilities.
        unreadable: dict from path to the reason.
        compared, agree: int, numbers of pictures whose given label is a class,
            and of those that are predicted as that.
    """

    counts: np.ndarray
    sums: np.ndarray
    unreadable: dict = dataclasses.field(default_factory=dict)
    compared: int = 0
    agree: int = 0


def write(
    run,
    model,
    inputs,
    output,
    out,
    top_k=1,
    batch_size=64,
    calibrate=True,
    image_root=None,
    path_column=None,
    label_column=None,
):
    """Predicts pictures and writes a CSV file of them, whole or not at all.

    Its columns are `path`, after `id` of features; `predicted_label` and
    `probability`; those of further classes; `given_label` and `agrees` where
    some label is given; and `problem`, why a picture could not be read.

    Args:
        run: str, folder of the run.
        model: its `NoisyLabelModel`.
        inputs: list of str, as of `picture_list.read`; files of features where
            the model takes these.
        output: str, path of the file.
        out: rich console.
        top_k: int, number of classes whose probabilities are written.
        batch_size: int, number of pictures in memory.
        calibrate: bool, whether the temperature of the run is used.
        image_root: as `root` of `picture_list.read`.
        path_column: as of `picture_list.read`.
        label_column: as of `picture_list.read`.

    Raises:
        UsageError: the model does not predict classes; there are no pictures,
            or none of them can be read; or the file cannot be written.
    """
    names = _class_names(run, model)
    if top_k > len(names):
        raise UsageError(
            f"--top_k: expected at most the number of classes, {len(names)}; "
            f"got {top_k}"
        )
    of_features = len(model.image_shape) == 1
    if of_features:
        with errors.reported(OSError, flag="input"):
            pictures = feature_list.read(inputs, model)
    else:
        pictures = picture_list.read(
            inputs, names, image_root, path_column, label_column
        )
    if pictures.others:
        out.print(
            f"{len(pictures.others)} files are no pictures by their names, "
            f"such as {pictures.others[0]}",
            markup=False,
        )
    if pictures.left_out:
        path, why = next(iter(pictures.left_out.items()))
        out.print(
            f"{len(pictures.left_out)} files are left out, such as {path}: "
            f"{why}",
            markup=False,
        )
    temperature, how = 1.0, "as the network gives them (--nocalibrate)"
    if calibrate:
        temperature, how = calibration_of(run)
    out.print(
        f"model: {os.path.join(run, run_folder.MODEL)}; probabilities {how}",
        markup=False,
    )
    tally = _Tally(np.zeros(len(names), int), np.zeros(len(names)))
    columns = ["path", "predicted_label", "probability"]
    if of_features:
        columns.insert(0, "id")
    for rank in range(2, top_k + 1):
        columns += [f"label_{rank}", f"probability_{rank}"]
    if any(pictures.labels):
        columns += ["given_label", "agrees"]
    columns.append("problem")
    try:
        with errors.reported(), files.replacing(output) as stream:
            in_batches = prediction.in_batches
            if of_features:
                in_batches = pictures.in_batches
            found = in_batches(model, pictures.paths, batch_size, temperature)
            rows = _rows(found, pictures, names, top_k, tally)
            # Names of files need not be text.
            rows = ({k: _text(v) for k, v in row.items()} for row in rows)
            csv_rows.write(stream, columns, rows)
            if len(tally.unreadable) == len(pictures.paths):
                path, why = next(iter(tally.unreadable.items()))
                raise UsageError(
                    "--input: expected pictures that can be read; of "
                    f"{len(pictures.paths)} none can, such as {path}: {why}"
                )
    except OSError as error:
        raise UsageError(f"--output: cannot write {output}: {error}") from error
    _print_summary(out, tally, names, output)


def calibration_of(run):
    """The temperature of a run, and where it comes from in words.

    Args:
        run: str, folder of the run.

    Returns:
        float above 0, and str.
    """
    path = os.path.join(run, run_folder.SUMMARY)
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream).get("calibration") or {}
    except (OSError, ValueError):
        found = {}
    if not found.get("temperature") or found.get("skipped"):
        why = found.get("skipped") or "the run has no calibration"
        return 1.0, f"as the network gives them ({why})"
    temperature = float(found["temperature"])
    return temperature, (
        f"calibrated on {found.get('samples')} validation samples, temperature "
        f"{temperature:.3f}"
    )


def _class_names(run, model):
    path = os.path.join(run, run_folder.CONFIG)
    with errors.reported(OSError, ValueError, flag="run"):
        with open(path, encoding="utf-8") as stream:
            names = json.load(stream).get("classes")
    return tuple(names or prediction.names_of(model))


def _rows(found, pictures, names, top_k, tally):
    """The rows of the file, made as they are written."""
    number = {name: k for k, name in enumerate(names)}
    for first, probabilities, problems in found:
        order = np.argsort(-probabilities, axis=1, kind="stable")
        for row, (likeliest, values) in enumerate(
            zip(order, probabilities, strict=True)
        ):
            path = pictures.paths[first + row]
            given = pictures.labels[first + row]
            cells = {"path": path, "given_label": given}
            if isinstance(pictures, feature_list.FeatureList):
                cells["id"] = pictures.ids[first + row]
            why = problems.get(first + row)
            if why is not None:
                tally.unreadable[path] = why
                yield cells | {"problem": why}
                continue
            best = likeliest[0]
            tally.counts[best] += 1
            tally.sums[best] += values[best]
            cells["predicted_label"] = names[best]
            cells["probability"] = f"{values[best]:.6g}"
            for rank, k in enumerate(likeliest[1:top_k], start=2):
                cells[f"label_{rank}"] = names[k]
                cells[f"probability_{rank}"] = f"{values[k]:.6g}"
            if given in number:
                agrees = number[given] == best
                tally.compared += 1
                tally.agree += int(agrees)
                cells["agrees"] = "yes" if agrees else "no"
            yield cells


def _text(value):
    return os.fsencode(value).decode("utf-8", "backslashreplace")


def _print_summary(out, tally, names, output):
    shown = table.Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left"
    )
    shown.add_column("predicted", overflow="fold")
    shown.add_column("pictures", justify="right")
    shown.add_column("mean probability", justify="right")
    for name, count, total in zip(names, tally.counts, tally.sums, strict=True):
        if count:
            mean = f"{total / count:.1%}"
            shown.add_row(text.Text(name), str(count), mean)
    out.print(shown)
    if tally.compared:
        out.print(
            f"{tally.agree} of {tally.compared} given labels agree "
            f"({tally.agree / tally.compared:.1%})"
        )
    if tally.unreadable:
        out.print(f"{len(tally.unreadable)} pictures cannot be read:")
        for path, why in list(tally.unreadable.items())[:_SHOWN]:
            out.print(f"  {_text(path)}: {why}", markup=False)
        if len(tally.unreadable) > _SHOWN:
            out.print(f"  and {len(tally.unreadable) - _SHOWN} more")
    out.print(f"wrote {output}: {tally.counts.sum()} predictions", markup=False)
