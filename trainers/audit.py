"""The most suspect labels of a data set or of a run, to look at and to correct.

python -m trainers.audit --dataset=folder:pictures
python -m trainers.audit --run=runs/sanm-digits-20260101-120000 --top=200
A data set is judged at once, by features and without training; of a run, the
audit is that of its training. The command prints the most suspect labels and
writes a folder: most_suspect.csv, whose column corrected_label is to be filled
in; index.html and most_suspect.png, the pictures. Training on what was
corrected: --audit=FOLDER/most_suspect.csv.
"""

import os
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import data as data_flags
from trainers.flags import require_some
from trainers.run import finished_run
from trainers.run import folder as run_folder

AUDIT = "label_audit.csv"
FOLDER = "audit"

_FORMATS = ("csv", "cleanlab", "fiftyone", "label_studio")
# Flags of a data set that is judged without a run.
_AT_ONCE = (
    "split",
    "network",
    "weights",
    "width",
    "plant",
    "seed",
    "image_size",
    "folder_layout",
    "path_column",
    "label_column",
    "image_root",
    "labels",
    "max_train_samples",
    "max_unreadable",
)
_NEEDED = (run_folder.CONFIG, run_folder.LABELS, AUDIT)

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "run", None, "Folder of a finished run, whose audit is shown."
)
data_flags.define_source()
FLAGS.set_default("dataset", None)
flags.DEFINE_string(
    "split", "train", "The split of --dataset that is judged; not with --run."
)
flags.DEFINE_string(
    "network",
    None,
    "Encoder of the images' features, as of trainers.features; default: "
    "EfficientNet-Lite0 with its weights of ImageNet, if they are installed. "
    "Not with --run.",
)
flags.DEFINE_string(
    "weights",
    None,
    "Weights of a --network by name, as of trainers.features. Not with --run.",
)
flags.DEFINE_integer(
    "width",
    None,
    "Channels of the first stage of a --network by name. Not with --run.",
    lower_bound=1,
)
flags.DEFINE_bool(
    "plant",
    False,
    "Also make some labels wrong on purpose, judge them, and report how many "
    "are found; nothing of it is kept. Not with --run.",
)
flags.DEFINE_integer(
    "seed",
    0,
    "Seed of --plant and of the weights of a --network by name. Not with "
    "--run.",
    lower_bound=0,
    upper_bound=2**32 - 1,
)
flags.DEFINE_integer(
    "top", 200, "Number of labels, the most suspect first.", lower_bound=1
)
flags.DEFINE_string(
    "output",
    None,
    "New folder to write; default: audit/ in --run, or runs/audit-....",
)
flags.DEFINE_list(
    "format",
    ["csv"],
    f"Some of {', '.join(_FORMATS)}: the whole audit in the formats of these "
    "tools, beside most_suspect.csv.",
)


def main(argv):
    def action():
        require_some("format", FLAGS.format, _FORMATS, "some of")
        if FLAGS.run is None and FLAGS.dataset is not None:
            _audit_at_once(FLAGS.flag_values_dict())
        else:
            _check_flags_of_run()
            _audit(FLAGS.run, FLAGS.output or os.path.join(FLAGS.run, FOLDER))

    sys.exit(run.exit_status(argv, action))


def _check_flags_of_run():
    if FLAGS.run is None:
        raise UsageError(
            "--run: expected the folder of a run, or --dataset with data to "
            "judge at once, such as folder:PATH; got none"
        )
    for name in _AT_ONCE:
        if FLAGS[name].present:
            raise UsageError(
                f"--{name}: expected with --dataset alone, which is judged "
                "without training; the audit of --run is that of its training"
            )
    finished_run.check(FLAGS.run, _NEEDED)


def _audit_at_once(values):
    data_flags.check(values["dataset"])
    output = values["output"] or run_folder.default_folder(
        "audit", values["dataset"]
    )
    _check_output(output)
    with run.native_messages(os.devnull):
        from trainers.inspection import audit_at_once
        from trainers.run import progress
    audit_at_once.write(values, output, progress.make_console())


def _check_output(output):
    if os.path.lexists(output):
        # It may hold corrections that took somebody days.
        raise UsageError(
            f"--output: expected a folder that is not there yet; got {output}. "
            "Name another one, or move that away."
        )


def _audit(folder, output):
    _check_output(output)
    with run.native_messages(os.devnull):
        from trainers.inspection import audit_export
        from trainers.run import progress
    settings = finished_run.check(folder, _NEEDED)
    audit = audit_export.read(folder, AUDIT)
    sources = finished_run.sources(
        folder, FLAGS.data_dir, settings, exact=False, dataset=FLAGS.dataset
    )
    out = progress.make_console()
    if sources.changes:
        out.print(str(sources.changes))
    audit_export.write(
        audit,
        {"train": sources.train, "validation": sources.validation},
        output,
        out,
        top=FLAGS.top,
        formats=FLAGS.format,
    )


if __name__ == "__main__":
    run.start(main)
