"""Protocol A: three methods on 5,000 CIFAR-10 images at equal epochs.

The first 5,000 training images by id, 50 % symmetric noise (the true class
included), PreAct ResNet-18 of width 16, batches of 64 (128 in the warm-up and
for cross-entropy), SGD 0.02 with weight decay 5e-4, 0.002 from epoch index 12
on, 15 epochs with 5 of warm-up, evaluated on the 10,000 test images after each
epoch.

    python benchmarks/protocol_a.py --data_dir=FOLDER --work_dir=runs/protocol_a

Interrupted runs resume; finished ones are not repeated. Results are written to
benchmarks/results/protocol_a.json and protocol_a.md.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/protocol_a", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
FLAGS = flags.FLAGS

COMMON = {
    "dataset": "cifar10",
    "validation": 0,
    "max_train_samples": 5000,
    "noise_type": "symmetric",
    "noise_rate": 0.5,
    "network": "preact_resnet18",
    "width": 16,
    "epochs": 15,
    "learning_rate": 0.02,
    "learning_rate_drops": 12,
    "weight_decay": 5e-4,
}

METHODS = {
    "cross_entropy": {"trainer": "cross_entropy", "batch_size": 128},
    "dividemix": {
        "trainer": "dividemix",
        "batch_size": 64,
        "warmup_epochs": 5,
        "unlabeled_weight": 25,
    },
    "sanm": {
        "trainer": "sanm",
        "batch_size": 64,
        "warmup_epochs": 5,
        "unlabeled_weight": 25,
    },
}

# The step functions of the released PyTorch codes at this budget, one seed, on
# 2 cores.
REFERENCE = {
    "cross_entropy": {"last": 0.446, "seconds": 11},
    "dividemix": {"last": 0.444, "best": 0.451, "seconds": 64},
    "sanm": {"last": 0.465, "label_auc": 0.864, "seconds": 267},
}


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{method}-seed{seed}",
            trainer=options["trainer"],
            flags=COMMON
            | {k: v for k, v in options.items() if k != "trainer"}
            | {"seed": seed, "noise_seed": seed},
            group=method,
        )
        for seed in FLAGS.seeds
        for method, options in METHODS.items()
    ]
    harness.run_all(runs, FLAGS.work_dir, FLAGS.data_dir)
    harness.report(
        "protocol_a", __doc__, runs, FLAGS.work_dir, REFERENCE, FLAGS.note
    )


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
