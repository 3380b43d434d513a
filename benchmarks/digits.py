"""Three methods on the embedded digits at high noise: minutes, no download.

Scikit-learn's digits, 1257 for training, 80 % and 50 % symmetric noise (the
true class included: 72 % and 45 % of the labels are wrong), each method with
its preset. Validation labels are clean; "best" is the test accuracy at the
epoch of best validation.

    python benchmarks/digits.py --work_dir=runs/digits

Runs that were interrupted go on; finished ones are not run again. Results are
written to benchmarks/results/digits.json and digits.md.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("work_dir", "runs/digits", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_list("rates", ["0.8", "0.5"], "Noise rates.")
flags.DEFINE_string("note", "", "What a reader should know of the results.")
FLAGS = flags.FLAGS

METHODS = ("cross_entropy", "dividemix", "sanm")


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{method}-{rate}-seed{seed}",
            trainer=method,
            flags={"noise_rate": rate, "seed": seed, "noise_seed": seed},
            group=f"{method}, {float(rate):.0%} noise",
        )
        for seed in FLAGS.seeds
        for rate in FLAGS.rates
        for method in METHODS
    ]
    harness.run_all(runs, FLAGS.work_dir, None)
    harness.report("digits", __doc__, runs, FLAGS.work_dir, note=FLAGS.note)


if __name__ == "__main__":
    app.run(main)
