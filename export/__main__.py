"""Exports the model or the labels of a finished run.

python -m export --run=runs/sanm-digits-... --output=served
python -m export --labels --run=runs/dmlp-digits-... --output=labels

The model becomes served/NAME/VERSION, a SavedModel for TensorFlow Serving, next
to the configuration files of a server; labels become CSV, NPZ and Parquet
files.
"""

import sys
import tempfile

from absl import flags

from export import labels
from export import models
from trainers import UsageError
from trainers import run
from trainers.flags import require_run
from trainers.run import finished_run
from trainers.run import own_method

FLAGS = flags.FLAGS

flags.DEFINE_bool(
    "labels", False, "Export the corrected or purified labels, not the model."
)
flags.DEFINE_string("run", None, "Folder of a finished run.")
flags.DEFINE_string(
    "output",
    None,
    "Folder to write to; default: served/ or labels/ in the run.",
)
flags.DEFINE_enum(
    "format",
    "tf_saved_model",
    ["tf_saved_model", "onnx", "litert", "openvino", "keras"],
    "Format of the model.",
)
flags.DEFINE_bool(
    "ensemble", True, "Predict with all networks of the model, or the first."
)
flags.DEFINE_bool(
    "calibrate", True, "Fit a temperature on the run's validation data."
)
flags.DEFINE_enum(
    "which",
    "kept",
    ["kept", "last", "best"],
    "The model: kept: model.keras; best: best.keras, the best epoch by "
    "validation; last: model.keras, provided that it is of the last epoch.",
)
flags.DEFINE_string(
    "name", None, "Name of the model; default: its method and data set."
)
flags.DEFINE_integer(
    "version", None, "Version number; default: the next one.", lower_bound=1
)
flags.DEFINE_string(
    "method",
    None,
    "FILE.py:Class, for runs of trainers.run: the class of the model, as it "
    "was given there. The file is executed.",
)
flags.DEFINE_string(
    "data_dir", None, "Folder of the run's data set, as in training."
)
finished_run.define_dataset()
flags.DEFINE_list(
    "formats",
    None,
    f"Formats of the labels: some of {', '.join(labels.FORMATS)}; default: "
    f"all. Parquet needs {labels.PARQUET}.",
)
flags.DEFINE_bool(
    "suspect",
    True,
    "Include samples whose label is likely noisy without a confident "
    "replacement in the labels.",
)


def main(argv):
    action = _write_labels if FLAGS.labels else _write_model
    sys.exit(run.exit_status(argv, action))


def _write_labels():
    require_run(FLAGS.run)
    try:
        written = labels.write(
            FLAGS.run, FLAGS.output, FLAGS.suspect, FLAGS.formats
        )
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    print(
        f"{written.samples} labels, {written.replaced} of them replaced, "
        f"{written.left_out} samples left out"
    )
    for path in written.paths:
        print(f"  {path}")
    if written.missing:
        print(written.missing)


def _write_model():
    models.check(FLAGS.run, FLAGS.name, FLAGS.output)
    models.check_which(FLAGS.run, FLAGS.which)
    own_method.check_run(FLAGS.run, FLAGS.method)
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        with run.native_messages(log.name):
            import noisy_keras  # noqa: F401 (loads TensorFlow)
    own_method.load_for_run(FLAGS.run, FLAGS.method)
    written = models.write(
        FLAGS.run,
        FLAGS.output,
        name=FLAGS.name,
        version=FLAGS.version,
        data_dir=FLAGS.data_dir,
        dataset=FLAGS.dataset,
        format=FLAGS.format,
        ensemble=FLAGS.ensemble,
        calibrate=FLAGS.calibrate,
        which=FLAGS.which,
    )
    exported = written.exported
    print(exported.path)
    found = exported.calibration
    if found.after is not None:
        print(
            f"calibrated on {found.samples} validation samples: temperature "
            f"{found.temperature:.3f}, calibration error "
            f"{found.before['ece']:.4f} before, {found.after['ece']:.4f} after"
        )
    if exported.proof is not None:
        print(
            "checked: answers as the model does, to within "
            f"{exported.proof['largest_difference']:.1e}"
        )
    for note in written.notes:
        print(note)


if __name__ == "__main__":
    run.start(main)
