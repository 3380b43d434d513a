"""Writes the report of a run, be it finished, killed or still training.

python -m trainers.report --run=runs/sanm-digits-20260101-120000
It writes report.html, one self-contained page, to the run, or to --output.
Every run does the same when it ends.
"""

import os
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import require_run
from trainers.run import finished_run
from trainers.run import folder as run_folder

FLAGS = flags.FLAGS

flags.DEFINE_string("run", None, "Folder of a run.")
flags.DEFINE_string(
    "data_dir", None, "Folder of the run's data set, as for its command."
)
finished_run.define_dataset()
flags.DEFINE_string(
    "output", None, "File to write; default: report.html in the run."
)
flags.DEFINE_bool(
    "pictures",
    True,
    "Whether suspect samples are shown as pictures, for which the data is "
    "loaded.",
)


def main(argv):
    def action():
        settings = _check(FLAGS.run)
        print(f"wrote {_write(FLAGS.run, FLAGS.output, settings)}")

    sys.exit(run.exit_status(argv, action))


def _check(folder):
    """The settings of a run; raises before TensorFlow is loaded."""
    require_run(folder)
    if not os.path.isdir(folder):
        raise UsageError(
            f"--run: expected the folder of a run; got {folder!r}, which is "
            "no folder"
        )
    return run_folder.read_settings(folder)


def _write(folder, output, settings):
    with run.native_messages(os.devnull):
        from noisy_keras import reporting
        from trainers.run import errors
    sources = _sources(folder, settings) if FLAGS.pictures else None
    with errors.reported(OSError):
        return reporting.write(folder, sources, output)


def _sources(folder, settings):
    """What the audit is about, or None: then there are no pictures."""
    audited = os.path.exists(os.path.join(folder, run_folder.AUDIT))
    if not audited:
        return None
    try:
        found = finished_run.sources(
            folder, FLAGS.data_dir, settings, dataset=FLAGS.dataset
        )
        if found.changes:
            print(found.changes, file=sys.stderr)
        return {"train": found.train, "validation": found.validation}
    except UsageError as error:
        print(f"without pictures of suspects: {error}", file=sys.stderr)
        return None


if __name__ == "__main__":
    run.start(main)
