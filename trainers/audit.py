"""The most suspect labels of a finished run, to look at and to correct.

python -m trainers.audit --run=runs/sanm-digits-20260101-120000 --top=200
It prints them and writes audit/ in the run: most_suspect.csv, whose column
corrected_label is to be filled in; index.html and most_suspect.png, the
pictures. Training on what was corrected: --audit=RUN/audit/most_suspect.csv.
"""

import os
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import require_some
from trainers.run import finished_run
from trainers.run import folder as run_folder

AUDIT = "label_audit.csv"
FOLDER = "audit"

_FORMATS = ("csv", "cleanlab", "fiftyone", "label_studio")
_NEEDED = (run_folder.CONFIG, run_folder.LABELS, AUDIT)

FLAGS = flags.FLAGS

flags.DEFINE_string("run", None, "Folder of a finished run.")
flags.DEFINE_string(
    "data_dir", None, "Folder of the run's data set, as for its command."
)
finished_run.define_dataset()
flags.DEFINE_integer(
    "top", 200, "Number of labels, the most suspect first.", lower_bound=1
)
flags.DEFINE_string(
    "output", None, "New folder to write; default: audit/ in --run."
)
flags.DEFINE_list(
    "format",
    ["csv"],
    f"Some of {', '.join(_FORMATS)}: the whole audit in the formats of these "
    "tools, beside most_suspect.csv.",
)


def main(argv):
    def action():
        _check_flags()
        _audit(FLAGS.run, FLAGS.output or os.path.join(FLAGS.run, FOLDER))

    sys.exit(run.exit_status(argv, action))


def _check_flags():
    require_some("format", FLAGS.format, _FORMATS, "some of")
    finished_run.check(FLAGS.run, _NEEDED)


def _audit(folder, output):
    if os.path.lexists(output):
        # It may hold corrections that took somebody days.
        raise UsageError(
            f"--output: expected a folder that is not there yet; got {output}. "
            "Name another one, or move that away."
        )
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
