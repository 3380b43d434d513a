"""DMLP and C2D against the methods that they end with, at equal compute.

First 10,000 CIFAR-10 training images by id, PreAct ResNet-18 of width 16, at
equal compute, counted in passes of one image through the network (a step is a
forward and twice that backward): 150 forward passes for each training image.

- Cross-entropy, and DMLP-Naive, which is the same on purified labels: 50
  epochs, SGD 0.02, 0.002 from epoch index 38, batches of 128.
- DivideMix, DMLP-DivideMix and C2D: 4 epochs of warm-up and 6 more, each of
  about 20 forward passes an image; 0.002 from epoch index 8, batches of 64.
  Unlabelled loss of weight 25; none for asymmetric noise and, as is this
  recipe's default, for purified labels.

DMLP takes 1,000 of the images, 100 of each class, as trusted; its host sees the
other 9,000. Features are those of the encoder of `dmlp_labels.py`, which saw
all 50,000 images without labels; C2D's networks start from it. What that
encoder took, two hours for all rows, is not in the comparison.

    python benchmarks/dmlp_hosts.py --data_dir=FOLDER --work_dir=runs/dmlp

Runs that were interrupted go on; finished ones are not run again. Results are
written to benchmarks/results/dmlp_hosts.json and dmlp_hosts.md.
"""

import dmlp_encoder
import harness
from absl import app
from absl import flags

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/dmlp", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_list("only", None, "Names of the runs to make; default: all.")
flags.DEFINE_string("note", "", "What a reader should know of the results.")
FLAGS = flags.FLAGS

COMMON = {
    "dataset": "cifar10",
    "max_train_samples": 10000,
    "mixed_precision": "bfloat16",
    "weight_decay": 5e-4,
    "learning_rate": 0.02,
    "export": False,
}
_NETWORK = {"network": "preact_resnet18", "width": 16}
_NONE_HELD_OUT = {"validation": 0}
_PLAIN = {"epochs": 50, "learning_rate_drops": 38, "batch_size": 128}
_DIVIDED = {
    "epochs": 10,
    "learning_rate_drops": 8,
    "warmup_epochs": 4,
    "batch_size": 64,
}
# By noise: its flags, and the weight of DivideMix's unlabelled loss.
NOISE = {
    "symmetric 50 %": ("symmetric", 0.5, 25),
    "symmetric 80 %": ("symmetric", 0.8, 25),
    "asymmetric 40 %": ("asymmetric", 0.4, 0),
    "symmetric 90 %": ("symmetric", 0.9, 25),
}


def methods(weight, encoder):
    """Trainer and flags by method."""
    divided = _DIVIDED | {"unlabeled_weight": weight}
    purified = {"features": encoder, "validation": 1000, "held_out": 0}
    alone = _NETWORK | _NONE_HELD_OUT
    return {
        "cross_entropy": ("cross_entropy", alone | _PLAIN),
        "dmlp-naive": (
            "dmlp",
            _NETWORK | _PLAIN | purified | {"host": "cross_entropy"},
        ),
        "dividemix": ("dividemix", alone | divided),
        "dmlp-dividemix": (
            "dmlp",
            _NETWORK | _DIVIDED | purified | {"host": "dividemix"},
        ),
        "c2d": ("c2d", _NONE_HELD_OUT | divided | {"encoder": encoder}),
    }


def runs_of(encoder):
    """All runs, in the order in which they are run."""
    found = []
    for seed in FLAGS.seeds:
        for noise, (kind, rate, weight) in NOISE.items():
            for method, (trainer, options) in methods(weight, encoder).items():
                # C2D is for much noise; at 90 % it stands beside DivideMix.
                if method == "c2d" and rate < 0.8:
                    continue
                if rate == 0.9 and method not in ("c2d", "dividemix"):
                    continue
                name = f"{method}-{kind}-{100 * rate:.0f}-seed{seed}"
                found.append(
                    harness.Run(
                        name=name,
                        trainer=trainer,
                        flags=COMMON
                        | options
                        | {
                            "noise_type": kind,
                            "noise_rate": rate,
                            "seed": seed,
                            "noise_seed": seed,
                        },
                        group=f"{method}, {noise}",
                    )
                )
    return found


def main(argv):
    del argv
    encoder, _ = dmlp_encoder.trained(FLAGS.work_dir, FLAGS.data_dir)
    runs = runs_of(encoder)
    wanted = [r for r in runs if not FLAGS.only or r.name in FLAGS.only]
    harness.run_all(wanted, FLAGS.work_dir, FLAGS.data_dir)
    harness.report("dmlp_hosts", __doc__, runs, FLAGS.work_dir, note=FLAGS.note)


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
