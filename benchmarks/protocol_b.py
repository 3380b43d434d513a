"""Protocol B: long enough for cross-entropy to learn wrong labels by heart.

CIFAR-10 with symmetric noise (the true class included), PreAct ResNet-18 of
width 16, SGD 0.02 with weight decay 5e-4, divided by 10 for the last fifth,
bfloat16. The first training images by id:

- 50 %: 5,000 images, 100 epochs of which 10 are warm-up;
- 80 %: 20,000 images, 25 epochs of which 8 are warm-up. Of 5,000 images only
  1,400 have a right label then, and DivideMix finds no division to start from:
  19 % on test images, falling, when it was stopped at epoch 34 of 100.

Validation on the last 5,000 training images, which are clean; "best" is the
test accuracy at the epoch of best validation. About two hours for SANM at each
rate on 2 cores.

    python benchmarks/protocol_b.py --data_dir=FOLDER --work_dir=runs/protocol_b

Runs that were interrupted go on; finished ones are not run again. Results are
written to benchmarks/results/protocol_b.json and protocol_b.md.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/protocol_b", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_string("note", "", "What a reader should know of the results.")
FLAGS = flags.FLAGS

COMMON = {
    "dataset": "cifar10",
    "noise_type": "symmetric",
    "network": "preact_resnet18",
    "width": 16,
    "learning_rate": 0.02,
    "weight_decay": 5e-4,
    "mixed_precision": "bfloat16",
}

BUDGETS = {
    0.5: {
        "max_train_samples": 5000,
        "epochs": 100,
        "learning_rate_drops": 80,
    },
    0.8: {
        "max_train_samples": 20000,
        "epochs": 25,
        "learning_rate_drops": 20,
    },
}
WARMUP = {0.5: 10, 0.8: 8}

METHODS = {
    "cross_entropy": {"batch_size": 128},
    "dividemix": {"batch_size": 64, "unlabeled_weight": 25},
    "sanm": {"batch_size": 64, "unlabeled_weight": 25},
}


def _warmup(method, rate):
    if method == "cross_entropy":
        return {}
    return {"warmup_epochs": WARMUP[rate]}


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{method}-{rate}-seed{seed}",
            trainer=method,
            flags=COMMON
            | budget
            | options
            | _warmup(method, rate)
            | {"noise_rate": rate, "seed": seed, "noise_seed": seed},
            group=f"{method}, {rate:.0%} noise",
        )
        for seed in FLAGS.seeds
        for rate, budget in BUDGETS.items()
        for method, options in METHODS.items()
    ]
    harness.run_all(runs, FLAGS.work_dir, FLAGS.data_dir)
    harness.report("protocol_b", __doc__, runs, FLAGS.work_dir, note=FLAGS.note)


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
