"""Exporting networks for serving, with verification."""

import dataclasses
import json
import os
import time

import tensorflow as tf

from noisy_keras.networks import head
from noisy_keras.serving import calibration as calibration_module
from noisy_keras.serving import card
from noisy_keras.serving import formats
from noisy_keras.serving import graph
from noisy_keras.serving import proof
from noisy_keras.serving import publish
from noisy_keras.serving import vector_graph
from noisy_keras.serving import warmup
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.version import __version__

#: The format of TensorFlow Serving, in addition to those of `formats`.
SAVED_MODEL = "tf_saved_model"
FORMATS = (SAVED_MODEL, *formats.FORMATS)

METADATA = "metadata.json"
_BATCH_SIZE = 500


@dataclasses.dataclass(frozen=True)
class Exported:
    """Result of an export.

    Attributes:
        path: str, folder of the exported version.
        calibration: `Calibration`.
        proof: dict with the result of the verification; None if it was skipped.
        notes: tuple of str, remarks for the user.
    """

    path: str
    calibration: calibration_module.Calibration
    proof: dict | None
    notes: tuple = ()


def export(
    model,
    path,
    *,
    format=SAVED_MODEL,
    class_names=None,
    validation_data=None,
    ensemble=True,
    margin=None,
    pixel_scale=None,
    name=None,
    facts=None,
    verify=True,
    next_version=False,
    transition=None,
):
    """Exports the networks of a model, without optimizer, tables or teachers.

    The version is written next to `path` and verified in a separate process: it
    is loaded without this package, its warm-up requests are replayed and its
    predictions compared with those of the model. Only then is it renamed to
    `path`, atomically.

    Args:
        model: `NoisyLabelModel`, a network of `noisy_keras.networks`, or a list
            of networks.
        path: str or path-like, folder of the version, which must not exist.
        format: str, one of `FORMATS`.
        class_names: sequence of K str; None takes those of the model, or else
            `"0"`, `"1"`, ...
        validation_data: `Source` of samples that were not trained on, for
            temperature scaling; None skips it.
        ensemble: bool, whether several networks predict as an ensemble; if not,
            the first one does.
        margin: int, margin in pixels that is cropped from resized images; None
            takes that of the source on which the model was fitted, or 0.
        pixel_scale: float, value of a white pixel, 255 or 1; None takes that of
            the model.
        name: str, name of the model for clients; None derives it from the path.
        facts: dict of entries for the model card: see `card.write`.
        verify: bool, whether to verify the exported version.
        next_version: bool, whether `path` is the folder of a model, in which
            the next version is created.
        transition: float `[K, K]`, the probability of each given label (column)
            by true label (row), where labels of `validation_data` are noisy:
            see `calibration.calibrate`; or None.

    Returns:
        `Exported`.

    Raises:
        FileExistsError: If `path` exists.
        ImportError: If the format needs a package that is not installed.
        RuntimeError: If the exported version predicts differently from the
            model.
        ValueError: If the format is unknown or the model has no networks.
    """
    path = os.path.abspath(os.path.expanduser(os.fspath(path)))
    if format not in FORMATS:
        raise ConfigurationError(
            f"Expected a format, one of {', '.join(FORMATS)}. "
            f"Received: {format!r}"
        )
    if not next_version:
        publish.check_free(path)
    formats.require(format)
    networks = _predictors(model, ensemble)
    seen = getattr(model, "pictures", None)
    names, notes = class_names, []
    if seen is not None:
        names = names or seen.class_names
        margin = seen.margin if margin is None else margin
        pixel_scale = pixel_scale or seen.pixel_scale
    if names is None:
        names = range(networks[0].output["logits"].shape[-1])
        notes.append("The classes have no names and are numbered.")
    names = [str(n) for n in names]
    calibrated = _calibrate(networks, validation_data, transition)
    if calibrated.skipped:
        notes.append(f"Not calibrated: {calibrated.skipped}.")
    of_vectors = len(networks[0].input_shape) == 2
    make = vector_graph.ServedVectors if of_vectors else graph.ServedClassifier
    served = make(
        networks,
        names,
        temperature=calibrated.temperature,
        margin=margin or 0,
        pixel_scale=pixel_scale,
    )
    name = name or _name_of(path, next_version)
    parent = path if next_version else os.path.dirname(path)
    with publish.unfinished(parent) as folder:
        if format == SAVED_MODEL:
            checked, records = _write_saved_model(
                served, folder, name, verify, notes
            )
        else:
            checked, records = formats.write(served, folder, format, verify), 0
        content = {
            "name": name,
            "format": format,
            "networks": [n.name for n in networks],
            "class_names": names,
            "image_shape": list(served.image_shape),
            "pixel_scale": served.pixel_scale,
            "margin": served.margin,
            "calibration": calibrated.as_dict(),
            "warmup_records": records,
            "proof": checked,
            "versions": {
                "noisy_keras": __version__,
                "tensorflow": tf.__version__,
            },
            "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        _write_json(os.path.join(folder, METADATA), content)
        card.write(folder, content, facts or {})
        if next_version:
            path = publish.publish_next(folder, path)
        else:
            publish.publish(folder, path)
    return Exported(path, calibrated, checked, tuple(notes))


def _predictors(model, ensemble):
    networks = getattr(model, "predictors", model)
    if not isinstance(networks, (list, tuple)):
        networks = [networks]
    head.check_together(networks)
    return list(networks) if ensemble else list(networks[:1])


def _calibrate(networks, source, transition=None):
    if source is None:
        return calibration_module.Calibration(
            skipped="there is no validation set"
        )
    logits = []
    forward = tf.function(
        lambda images: (
            tf.add_n([n(images, training=False)["logits"] for n in networks])
            / float(len(networks))
        ),
        reduce_retracing=True,
    )
    for start in range(0, source.num_samples, _BATCH_SIZE):
        stop = min(start + _BATCH_SIZE, source.num_samples)
        images = source.fetch(tf.range(start, stop))
        logits.append(forward(tf.cast(images, tf.float32)))
    return calibration_module.calibrate(
        tf.concat(logits, 0), source.labels, transition
    )


def _write_saved_model(served, folder, name, verify, notes):
    served.save(folder)
    if isinstance(served, vector_graph.ServedVectors):
        files, images = [], served.questions()
    else:
        files, images = proof.questions(served)
    records = 0
    if warmup.is_possible():
        records = warmup.write(folder, name, files, images)
    else:
        notes.append(warmup.MISSING)
    if not verify:
        return None, records
    return proof.prove(served, folder, files, images, records), records


def _name_of(path, next_version):
    """Name of the model, whose folder contains versions in TF Serving."""
    parent, last = os.path.split(path)
    if last.isdecimal() and not next_version:
        last = os.path.basename(parent)
    return last


def _write_json(path, content):
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
