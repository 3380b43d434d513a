"""Analyses a finished run: wrong labels found, class maps, linear probes.

python -m trainers.analyze --run=runs/sanm-digits-20260101-120000
It writes tables and pictures to analysis/ in the run:
  detection    precision, recall and AUC by kind of noise
  histogram    the losses, and the Beta mixture that divides them
  class_maps   where the networks look to explain a wrong label
  probes       linear classifiers on the features at every depth
"""

import os
import sys

from absl import flags

from trainers import UsageError
from trainers import run
from trainers.flags import require_some
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import own_method

PARTS = ("detection", "histogram", "class_maps", "probes")
FOLDER = "analysis"

FLAGS = flags.FLAGS

flags.DEFINE_string("run", None, "Folder of a finished run.")
flags.DEFINE_string(
    "data_dir", None, "Folder of the run's data set, as for its command."
)
finished_run.define_dataset()
flags.DEFINE_string(
    "method",
    None,
    "FILE.py:Class, for runs of trainers.run: the class of the model, as it "
    "was given there. The file is executed.",
)
flags.DEFINE_list("only", list(PARTS), f"Parts: of {', '.join(PARTS)}.")
flags.DEFINE_integer(
    "samples",
    5000,
    "Most samples that linear probes are trained on, and as many that they are "
    "judged by.",
    lower_bound=10,
)
flags.DEFINE_integer(
    "pictures", 12, "Samples shown with class maps.", lower_bound=1
)
flags.DEFINE_integer(
    "pairs",
    10,
    "Pairs of true and given class that detection lists.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the choice of samples.",
    lower_bound=0,
    upper_bound=2**32 - 1,
)


def main(argv):
    def action():
        _check_flags()
        _analyze(FLAGS.run)

    sys.exit(run.exit_status(argv, action))


def _check_flags():
    require_some("only", FLAGS.only, PARTS, "parts of")
    finished_run.check(FLAGS.run)
    own_method.check_run(FLAGS.run, FLAGS.method)


def _analyze(path):
    folder = os.path.join(path, FOLDER)
    log = os.path.join(folder, run_folder.STARTUP_LOG)
    try:
        os.makedirs(folder, exist_ok=True)
        with open(log, "ab"):
            pass
    except OSError as error:
        raise UsageError(
            f"--run: cannot write to {folder}: {error.strerror}"
        ) from error
    with run.native_messages(log):
        from noisy_keras.methods.bases.self_supervised import (
            SelfSupervisedModel,
        )
        from trainers.inspection import analysis
        from trainers.run import progress
    own_method.load_for_run(path, FLAGS.method)
    out = progress.make_console()
    found = finished_run.load(path, FLAGS.data_dir, FLAGS.dataset)
    if found.changes:
        out.print(str(found.changes))
    if isinstance(found.model, SelfSupervisedModel):
        raise UsageError(
            "--run: expected a run of a method that predicts classes; got one "
            f"of {found.method}, whose {path}/encoder.keras such a method can "
            "start from"
        )
    analysis.write(
        found,
        folder,
        out,
        parts=FLAGS.only,
        samples=FLAGS.samples,
        pictures=FLAGS.pictures,
        pairs=FLAGS.pairs,
        seed=FLAGS.seed,
    )


if __name__ == "__main__":
    run.start(main)
