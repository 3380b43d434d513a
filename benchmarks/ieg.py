"""IEG against EG, L2R and cross-entropy at 80 % noise.

First 10,000 CIFAR-10 training images by id, 10 of each class trusted, of the
others 80 % have labels drawn anew from all ten classes (IEG's "uniform" noise).
Wide ResNet-28 of width 8 (the paper's 28-2 has 32), batches of 100, SGD with
momentum and weight decay 5e-4, judged on the 10,000 test images after each
epoch. Nothing is held out for validation, and no setting was chosen on the test
images.

- IEG and EG: 0.1, p = 5 and k = 20, as published; 24 epochs in three cosine
  cycles (501 steps, each next half as long again), which end as they do.
- L2R: 24 epochs, 0.1, 0.01 from epoch index 16, 0.001 from 20.
- Cross-entropy: as L2R; no use of the trusted images.

Epochs are equal, compute is not: in passes of one image (a backward is two
forwards) a step of cross-entropy is 3, of EG 15, of L2R about 10 and of IEG
about 22.

    python benchmarks/ieg.py --data_dir=FOLDER --work_dir=runs/ieg

Runs that were interrupted go on; finished ones are not run again. Results are
written to benchmarks/results/ieg.json and ieg.md. "weight AUC" tells right from
wrong labels by the mean weight of a sample over its last epochs.
"""

import harness
from absl import app
from absl import flags

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/ieg", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_string("note", "", "What a reader should know of the results.")
FLAGS = flags.FLAGS

COMMON = {
    "dataset": "cifar10",
    "validation": 0,
    "max_train_samples": 10000,
    "noise_type": "symmetric",
    "noise_convention": "ieg",
    "noise_rate": 0.8,
    "network": "wide_resnet28_2",
    "width": 8,
    "epochs": 24,
    "batch_size": 100,
    "learning_rate": 0.1,
    "weight_decay": 5e-4,
}
_TRUSTED = {"trusted": 10}
_RESTARTS = _TRUSTED | {"restart_steps": 501}
_DROPS = {"learning_rate_drops": "16,20"}
METHODS = {
    "ieg": _RESTARTS,
    "eg": _RESTARTS,
    "l2r": _TRUSTED | _DROPS,
    "cross_entropy": _DROPS,
}


def main(argv):
    del argv
    runs = [
        harness.Run(
            name=f"{method}-seed{seed}",
            trainer=method,
            flags=COMMON | options | {"seed": seed, "noise_seed": seed},
            group=method,
        )
        for seed in FLAGS.seeds
        for method, options in METHODS.items()
    ]
    harness.run_all(runs, FLAGS.work_dir, FLAGS.data_dir)
    harness.report("ieg", __doc__, runs, FLAGS.work_dir, note=FLAGS.note)


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
