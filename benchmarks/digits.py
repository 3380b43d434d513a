"""Three methods on the embedded digits at high noise, without a download.

Scikit-learn's digits, 1,257 for training, with 80 % and 50 % symmetric noise
(the true class included, so that 72 % and 45 % of the labels are noisy), each
method with its preset. Validation labels are clean; "best" is the test accuracy
at the epoch of best validation accuracy. A run takes minutes.

    python benchmarks/digits.py --work_dir=runs/digits

Interrupted runs resume; finished ones are not repeated. Results are written to
benchmarks/results/digits.json and digits.md.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("work_dir", "runs/digits", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_list("rates", ["0.8", "0.5"], "Noise rates.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
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
