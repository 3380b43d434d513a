"""The encoder of DMLP's and C2D's benchmarks: SimCLR on CIFAR-10."""

import json
import os

import harness

#: Flags of `trainers.simclr`.
FLAGS = {
    "dataset": "cifar10",
    "validation": 0,
    "network": "preact_resnet18",
    "width": 16,
    "epochs": 45,
    "batch_size": 256,
    "learning_rate": 0.25,
    "warmup_epochs": 3,
    "knn_every": 9,
    "mixed_precision": "bfloat16",
    "export": False,
}


def trained(work_dir, data_dir):
    """Trains the encoder unless it exists already.

    Args:
        work_dir: str, folder of the runs.
        data_dir: str, folder of prepared CIFAR-10.

    Returns:
        Tuple of the path of its `.keras` file and a dict of its settings and
        accuracies.
    """
    run = harness.Run("encoder", "simclr", FLAGS, "encoder")
    harness.run_all([run], work_dir, data_dir)
    folder = os.path.join(work_dir, run.name)
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as s:
        records = [json.loads(line) for line in s]
    measured = [r["knn_test"] for r in records if r.get("knn_test")]
    return os.path.join(folder, "encoder.keras"), {
        "flags": FLAGS,
        "epochs": len(records),
        "neighbors_test": measured[-1],
        "neighbors_test_by_measure": measured,
        "loss": [round(r["loss"], 4) for r in records],
    }
