"""Predicts pictures by the model of a finished run.

python -m trainers.predict --run=runs/sanm-folder-20260101-120000 --input=new/
The input is a folder, a CSV file with a column of paths, a text file of one
path per line, or a picture; --input may be given several times. It writes
predictions.csv: the class of each picture, its probability, and, where the
input has labels, whether these agree. The run's data set is not needed.
"""

import os
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import own_method

OUTPUT = "predictions.csv"
_NEEDED = (run_folder.CONFIG, run_folder.MODEL)

FLAGS = flags.FLAGS

flags.DEFINE_string("run", None, "Folder of a finished run.")
flags.DEFINE_multi_string(
    "input",
    [],
    "Folder, CSV file, text file of paths, or picture; may be repeated.",
)
flags.DEFINE_string(
    "output",
    None,
    f"CSV file to write; default: {OUTPUT} in the current folder.",
)
flags.DEFINE_bool("overwrite", False, "Replace the file to write.")
flags.DEFINE_integer(
    "top_k",
    1,
    "Number of classes whose probabilities are written, the likeliest first.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "batch_size", 64, "Pictures in memory at a time.", lower_bound=1
)
flags.DEFINE_bool(
    "calibrate",
    True,
    "Divide logits by the temperature that the run's validation data gave.",
)
flags.DEFINE_string(
    "image_root",
    None,
    "Folder that paths in CSV and text files are relative to; default: that of "
    "the file.",
)
flags.DEFINE_string(
    "path_column", None, "Column of the paths in CSV files; default: path."
)
flags.DEFINE_string(
    "label_column",
    None,
    "Column of the given labels in CSV files; default: label, if there is one.",
)
flags.DEFINE_string(
    "method",
    None,
    "FILE.py:Class, for runs of trainers.run: the class of the model, as it "
    "was given there. The file is executed.",
)


def main(argv):
    def action():
        _check_flags()
        _predict(FLAGS.run, FLAGS.output or OUTPUT)

    sys.exit(run.exit_status(argv, action))


def _check_flags():
    finished_run.check(FLAGS.run, _NEEDED)
    own_method.check_run(FLAGS.run, FLAGS.method)
    if not FLAGS.input:
        raise UsageError(
            "--input: expected a folder, a CSV file, a text file of paths or a "
            "picture; got none"
        )
    for path in FLAGS.input:
        if not os.path.exists(os.path.expanduser(path)):
            raise UsageError(
                f"--input: expected a folder or a file; {path} does not exist"
            )
    output = FLAGS.output or OUTPUT
    parent = os.path.dirname(os.path.abspath(output))
    if os.path.isdir(output) or not os.path.isdir(parent):
        raise UsageError(
            f"--output: expected a file in a folder that exists; got {output}"
        )
    if os.path.lexists(output) and not FLAGS.overwrite:
        raise UsageError(
            f"--output: expected a file that is not there yet; got {output}. "
            "Name another one, or pass --overwrite."
        )


def _predict(folder, output):
    with run.native_messages(os.devnull):
        from trainers.inspection import predictions
        from trainers.run import progress
    own_method.load_for_run(folder, FLAGS.method)
    finished_run.check_version(folder)
    model = finished_run.load_model(folder)
    predictions.write(
        folder,
        model,
        FLAGS.input,
        output,
        progress.make_console(),
        top_k=FLAGS.top_k,
        batch_size=FLAGS.batch_size,
        calibrate=FLAGS.calibrate,
        image_root=FLAGS.image_root,
        path_column=FLAGS.path_column,
        label_column=FLAGS.label_column,
    )


if __name__ == "__main__":
    run.start(main)
