"""Methods with a trusted set on the embedded digits, without a download.

Scikit-learn's digits, 1,257 for training, of which 10 per class are trusted and
the others have 80 % symmetric noise (the true class included, so that 72 % of
the labels are noisy). Each method uses its preset. Cross-entropy uses no
trusted image, and EG no other label. The weights of Meta-Weight-Net are divided
by their mean in each batch; in the row "paper" they are not, as in the paper.
The preset has the former because of these very rows. Validation labels are
clean; "best" is the test accuracy at the epoch of best validation accuracy. All
runs take 45 minutes on one core.

    python benchmarks/digits_trusted.py --work_dir=runs/digits_trusted

Interrupted runs resume; finished ones are not repeated. Results are written to
benchmarks/results/digits_trusted.json and digits_trusted.md. "weight AUC" is
the area under the ROC curve of a sample's mean weight over its last epochs, as
a score for clean labels; "kept AUC" is that of how often (or to which extent)
its given label was kept in them.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("work_dir", "runs/digits_trusted", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
FLAGS = flags.FLAGS

METHODS = ("ieg", "eg", "l2r", "meta_weight_net", "mlc", "mslc")


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{group.replace(', ', '-')}-seed{seed}",
            trainer=method,
            flags=options
            | {"noise_rate": 0.8, "seed": seed, "noise_seed": seed},
            group=group,
        )
        for seed in FLAGS.seeds
        for group, method, options in (
            *((method, method, {"trusted": 10}) for method in METHODS),
            (
                "meta_weight_net, paper",
                "meta_weight_net",
                {"trusted": 10, "normalized": False},
            ),
            ("cross_entropy", "cross_entropy", {}),
        )
    ]
    harness.run_all(runs, FLAGS.work_dir, None)
    harness.report(
        "digits_trusted", __doc__, runs, FLAGS.work_dir, note=FLAGS.note
    )


if __name__ == "__main__":
    app.run(main)
