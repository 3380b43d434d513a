"""Losses that are robust to noisy labels, on the embedded digits.

Scikit-learn's digits, 1,257 images for training, with symmetric
noise of two nominal rates (the true class included, so that 36 % and 72 % of
the labels are noisy). Cross-entropy, GCE and ELR have the same network and the
same 60 epochs; GCE and ELR have the published values of their own arguments,
the first that were tried. Validation labels are clean; "best" is the test
accuracy at the epoch of best validation accuracy. All runs take about 20
minutes on one core.

    python benchmarks/digits_losses.py --work_dir=runs/digits_losses

Interrupted runs resume; finished ones are not repeated. Results are written to
benchmarks/results/digits_losses.json and digits_losses.md.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("work_dir", "runs/digits_losses", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
FLAGS = flags.FLAGS

METHODS = ("cross_entropy", "gce", "elr")
RATES = (0.4, 0.8)


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{method}-{rate}-seed{seed}",
            trainer=method,
            flags={
                "noise_rate": rate,
                "seed": seed,
                "noise_seed": seed,
                "export": False,
            },
            group=f"{method}, {rate:.0%}",
        )
        for seed in FLAGS.seeds
        for rate in RATES
        for method in METHODS
    ]
    harness.run_all(runs, FLAGS.work_dir, None)
    harness.report(
        "digits_losses", __doc__, runs, FLAGS.work_dir, note=FLAGS.note
    )


if __name__ == "__main__":
    app.run(main)
