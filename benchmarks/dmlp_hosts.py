"""DMLP and C2D compared with the methods they end with, at equal compute.

The first 10,000 CIFAR-10 training images by id, PreAct ResNet-18 of width 16.
Compute is counted in passes of one image through the network (a training step
is a forward pass and a backward pass of twice its cost) and is the same for
all: 150 forward passes per training image.

- Cross-entropy, and DMLP-Naive, which is the same on purified labels: 50
  epochs, SGD 0.02, 0.002 from epoch index 38 on, batches of 128.
- DivideMix, DMLP-DivideMix and C2D: 4 epochs of warm-up and 6 more, each of
  about 20 forward passes per image; 0.002 from epoch index 8 on, batches of 64.
  The weight of the unlabelled loss is 25; it is 0 for asymmetric noise and, as
  is the default of this recipe, for purified labels.

DMLP uses 1,000 of the images, 100 per class, as trusted; its final method
trains on the other 9,000. Features are those of the encoder of
`dmlp_labels.py`, which was trained on all 50,000 images without labels; C2D's
networks start from it. The two hours of training that encoder are not part of
the comparison.

    python benchmarks/dmlp_hosts.py --data_dir=FOLDER --work_dir=runs/dmlp

Interrupted runs resume; finished ones are not repeated. Results are written to
benchmarks/results/dmlp_hosts.json and dmlp_hosts.md.
"""

import dmlp_encoder
import harness
from absl import app
from absl import flags

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/dmlp", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_list("only", None, "Names of the runs to make; default: all.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
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
# By name of the noise: its type, its rate and the weight of DivideMix's loss of
# unlabelled samples.
NOISE = {
    "symmetric 50 %": ("symmetric", 0.5, 25),
    "symmetric 80 %": ("symmetric", 0.8, 25),
    "asymmetric 40 %": ("asymmetric", 0.4, 0),
    "symmetric 90 %": ("symmetric", 0.9, 25),
}


def methods(weight, encoder):
    """Trainer and flags by method."""
    divided = _DIVIDED | {"unlabeled_weight": weight}
    purified = {"features": encoder, "trusted_total": 1000, "validation": 0}
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
                # C2D is meant for high noise rates; at 90 % it is compared
                # with DivideMix only.
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
