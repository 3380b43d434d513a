"""Methods with a few trusted pictures on the embedded digits: no download.

Scikit-learn's digits, 1257 for training, of which 10 of each class are trusted
and the others have 80 % symmetric noise (the true class included: 72 % of the
labels are wrong). Each method has its preset. Cross-entropy uses no trusted
picture, EG no other label. Meta-Weight-Net's weights are divided by their
mean in each batch, and in the row "paper", as there, not; the preset has the
former because of these very rows. Validation labels are clean; "best" is the
test accuracy at the epoch of best validation. All takes 45 minutes of a core.

    python benchmarks/digits_trusted.py --work_dir=runs/digits_trusted

Runs that were interrupted go on; finished ones are not run again. Results are
written to benchmarks/results/digits_trusted.json and digits_trusted.md. "weight
AUC" tells right from wrong labels by the mean weight of a sample over its last
epochs, "kept AUC" by how often (or how far) its given label was kept in them.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("work_dir", "runs/digits_trusted", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_string("note", "", "What a reader should know of the results.")
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
