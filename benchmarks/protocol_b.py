"""Protocol B: long enough for cross-entropy to learn wrong labels by heart.

First 5,000 CIFAR-10 training images by id, 50 % symmetric noise (the true
class included), PreAct ResNet-18 of width 16, 100 epochs of which 10 are
warm-up, SGD 0.02 with weight decay 5e-4, 0.002 from epoch index 80, bfloat16.
Validation on the last 5,000 training images, which are clean; "best" is the
test accuracy at the epoch of best validation. About two hours for SANM on 2
cores.

    python benchmarks/protocol_b.py --data_dir=FOLDER --work_dir=runs/protocol_b

At 80 % DivideMix finds no lasting division within such a budget, so there is no
CIFAR-10 row for it; `benchmarks/digits.py` has that rate. The networks stay
unsure, the losses of wrong labels come to lie on top of those of right ones,
and from one division to the next more wrong labels count as right. Suspects
after the first division and when the run was stopped, test accuracy of the
ensemble then (cross-entropy is best at 28 % for 5,000 images and at 42 % for
20,000):

    5,000, warm-up 10                         -> 432 of 3,600, 19 %, epoch 33
    20,000, warm-up 8                14,845 -> 2,750 of 14,430, 41 %, epoch 24
    20,000, warm-up 14, threshold .8 13,742 -> 9,871 of 14,430, 41 %, epoch 17
    45,000, warm-up 10               33,806 -> 19,879 of 32,400, 48 %, epoch 13

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
    "max_train_samples": 5000,
    "noise_type": "symmetric",
    "noise_rate": 0.5,
    "epochs": 100,
    "learning_rate_drops": 80,
    "network": "preact_resnet18",
    "width": 16,
    "learning_rate": 0.02,
    "weight_decay": 5e-4,
    "mixed_precision": "bfloat16",
}

METHODS = {
    "cross_entropy": {"batch_size": 128},
    "dividemix": {
        "batch_size": 64,
        "warmup_epochs": 10,
        "unlabeled_weight": 25,
    },
    "sanm": {"batch_size": 64, "warmup_epochs": 10, "unlabeled_weight": 25},
}


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{method}-0.5-seed{seed}",
            trainer=method,
            flags=COMMON | options | {"seed": seed, "noise_seed": seed},
            group=f"{method}, 50% noise",
        )
        for seed in FLAGS.seeds
        for method, options in METHODS.items()
    ]
    harness.run_all(runs, FLAGS.work_dir, FLAGS.data_dir)
    harness.report("protocol_b", __doc__, runs, FLAGS.work_dir, note=FLAGS.note)


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
