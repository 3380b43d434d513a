"""The time and the memory of an epoch of ELR on 100,000 x 768 features.

The features are random vectors around a centre for each of 10 classes, in 16
bits, with 40 % symmetric noise. ELR with the network `mlp` trains on them in
batches of 512, once on an array in memory and once on one that is mapped from a
file. The first epoch, which compiles the step, is left out. Reported are the
seconds of each later epoch, and the resident memory of the process after each.

    python benchmarks/features_speed.py

Written to benchmarks/results/features_speed.json. Processor time is reported
beside wall time, because other processes may run on the machine.
"""

import gc
import json
import os
import platform
import statistics
import tempfile
import time

import harness
import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import noisy_keras as nk

flags.DEFINE_integer("samples", 100_000, "Number of samples.")
flags.DEFINE_integer("columns", 768, "Number of columns.")
flags.DEFINE_integer("epochs", 6, "Epochs, of which the first is left out.")
flags.DEFINE_integer("batch_size", 512, "Batch size.")
flags.DEFINE_list("networks", ["mlp", "linear"], "Networks.")
FLAGS = flags.FLAGS

_CLASSES = 10


class Epochs(keras.callbacks.Callback):
    """Notes seconds, processor seconds and resident memory of each epoch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.monotonic(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        wall, cpu = self._began
        self.found.append(
            {
                "seconds": round(time.monotonic() - wall, 3),
                "cpu_seconds": round(time.process_time() - cpu, 3),
                "resident_mib": _resident(),
            }
        )


def _resident():
    """Resident memory that is the process's own, without mapped files: MiB."""
    with open("/proc/self/status", encoding="utf-8") as stream:
        lines = [line.split() for line in stream]
    return next(int(w[1]) for w in lines if w and w[0] == "RssAnon:") // 1024


def features():
    random = np.random.RandomState(0)
    labels = random.randint(0, _CLASSES, FLAGS.samples)
    centers = random.normal(size=(_CLASSES, FLAGS.columns))
    rows = np.empty((FLAGS.samples, FLAGS.columns), np.float16)
    for start in range(0, FLAGS.samples, 4096):
        part = labels[start : start + 4096]
        noise = random.normal(scale=8.0, size=(len(part), FLAGS.columns))
        rows[start : start + 4096] = centers[part] + noise
    return rows, labels


def measure(rows, labels, network):
    began = time.monotonic()
    source = nk.data.from_features(rows, labels)
    read = round(time.monotonic() - began, 2)
    source = source.with_noise(nk.data.SymmetricNoise(0.4, seed=0))
    keras.utils.set_random_seed(0)
    model = nk.ELR(network, source)
    model.compile(nk.MomentumSGD(0.02, momentum=0.9, weight_decay=5e-4))
    noted = Epochs()
    model.fit(
        source,
        epochs=FLAGS.epochs,
        batch_size=FLAGS.batch_size,
        callbacks=[noted],
        verbose=0,
    )
    audit = model.label_audit(source)
    wrong = source.labels != source.true_labels
    later = noted.found[1:]
    gc.collect()
    return {
        "network": network,
        "reading_seconds": read,
        "median_seconds": statistics.median(e["seconds"] for e in later),
        "slowest_seconds": max(e["seconds"] for e in later),
        "fastest_seconds": min(e["seconds"] for e in later),
        "median_cpu_seconds": statistics.median(
            e["cpu_seconds"] for e in later
        ),
        "memory_growth_mib": later[-1]["resident_mib"]
        - later[0]["resident_mib"],
        "label_auc": round(_auc(1.0 - audit.clean_probability, wrong), 4),
        "epochs": noted.found,
    }


def _auc(scores, positive):
    from sklearn import metrics

    return float(metrics.roc_auc_score(positive, scores))


def main(_):
    rows, labels = features()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "features.npy")
        np.save(path, rows)
        for kind in ("in memory", "mapped"):
            if kind == "mapped":
                rows = np.load(path, mmap_mode="r")
            for network in FLAGS.networks:
                found = {"array": kind} | measure(rows, labels, network)
                print({k: v for k, v in found.items() if k != "epochs"})
                results.append(found)
    content = {
        "samples": FLAGS.samples,
        "columns": FLAGS.columns,
        "batch_size": FLAGS.batch_size,
        "results": results,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
    }
    path = os.path.join(harness.RESULTS, "features_speed.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")


if __name__ == "__main__":
    app.run(main)
