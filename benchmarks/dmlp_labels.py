"""Labels of CIFAR-10 before and after purification, on features learnt here.

SimCLR on the 50,000 training images without their labels: PreAct ResNet-18 of
width 16, 45 epochs, batches of 256, SGD with a rate that rises to 0.25 in three
epochs and falls along half a cosine, bfloat16; 128 features per image. It takes
about two hours on 2 cores; an interrupted run resumes. These settings were the
first that were tried on CIFAR-10.

1,000 images, 100 per class, are trusted, of which 800 are used for purification
and 200 for selection. Labels of the other 49,000 are purified by
`nk.LabelPurifier()`. Noise is as in DivideMix: symmetric noise draws from all
ten classes, the true one included. The seed is that of the noise, of the
trusted images and of the purifier; all seeds share one encoder. True labels are
used for the measures only.

- before, after: share of correct labels among the 49,000.
- confident half: share of correct labels after purification among the half of
  highest confidence.
- test: accuracy of the purifier's linear classifiers on the features of the
  10,000 test images.
- right labels: test accuracy of a linear least-squares classifier with ridge
  1e-3 on all 49,000 true labels, an upper reference for these features.
- seconds: duration of `fit`, without loading data and computing features.

    python benchmarks/dmlp_labels.py --data_dir=FOLDER --work_dir=runs/dmlp

Written to benchmarks/results/dmlp_labels.json and dmlp_labels.md.
"""

import json
import os
import statistics
import time

import dmlp_encoder
import harness
import numpy as np
from absl import app
from absl import flags
from absl import logging

import noisy_keras as nk
from noisy_keras.ops import ridge

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/dmlp", "Folder of the runs.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
FLAGS = flags.FLAGS

NOISE = {
    "symmetric 20 %": (nk.data.SymmetricNoise, 0.2),
    "symmetric 50 %": (nk.data.SymmetricNoise, 0.5),
    "symmetric 80 %": (nk.data.SymmetricNoise, 0.8),
    "symmetric 90 %": (nk.data.SymmetricNoise, 0.9),
    "asymmetric 40 %": (nk.data.AsymmetricNoise, 0.4),
}
_TRUSTED = 100


def load(split="train", noise=None):
    return nk.data.load(
        "cifar10", split=split, data_dir=FLAGS.data_dir, noise=noise
    )


def purified(noise, seed, features, test_features, test):
    """Results of one purification: dict."""
    kind, rate = noise
    whole = load(noise=kind(rate, seed=seed))
    rows = {name: row for row, name in enumerate(whole.ids)}
    source, trusted = whole.split(trusted=_TRUSTED, seed=seed)
    train, near = (
        features[[rows[name] for name in part.ids]]
        for part in (source, trusted)
    )
    true = source.true_labels
    begin = time.perf_counter()
    found = nk.LabelPurifier(seed=seed).fit(
        source, train, trusted, near, verbose=0
    )
    seconds = time.perf_counter() - begin
    right = found.label == true
    sure = found.confidence >= np.median(found.confidence)
    targets = np.eye(source.num_classes, dtype=np.float32)[true]
    best = test_features @ ridge.solve(train, targets, 1e-3).numpy()
    return {
        "seed": seed,
        "before": float(np.mean(source.labels == true)),
        "after": float(np.mean(right)),
        "confident_half": float(np.mean(right[sure])),
        "taken": found.candidate,
        "epoch": found.epoch,
        "held_out": found.held_out_accuracy,
        "test": accuracy(found.predict([test_features]), test),
        "right_labels": accuracy(best, test),
        "seconds": round(seconds, 1),
    }


def accuracy(outputs, source):
    return float(np.mean(outputs.argmax(axis=1) == source.labels))


_COLUMNS = {
    "before": "before",
    "after": "after",
    "confident_half": "confident half",
    "test": "test",
    "right_labels": "right labels",
    "seconds": "seconds",
}


def table(found):
    """Markdown table of means over seeds, with the lowest and the highest."""
    titles = ["noise", "seeds", "taken", *_COLUMNS.values()]
    lines = ["| " + " | ".join(titles) + " |"]
    lines.append("|---" * len(titles) + "|")
    for name, rows in found.items():
        taken = ", ".join(sorted({row["taken"] for row in rows}))
        cells = [name, str(len(rows)), taken]
        for column in _COLUMNS:
            values = [row[column] for row in rows]
            digits = 0 if column == "seconds" else 3
            low, mean, high = (
                f"{f(values):.{digits}f}" for f in (min, statistics.mean, max)
            )
            cells.append(f"{mean} ({low} to {high})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv):
    del argv
    logging.set_verbosity(logging.WARNING)
    encoder, learnt = dmlp_encoder.trained(FLAGS.work_dir, FLAGS.data_dir)
    test = load("test")
    features, test_features = (
        nk.features.compute(
            source, encoder, cache=os.path.join(FLAGS.work_dir, "features")
        )
        for source in (load(), test)
    )
    found = {}
    for name, noise in NOISE.items():
        for seed in map(int, FLAGS.seeds):
            row = purified(noise, seed, features, test_features, test)
            print(name, row, flush=True)
            found.setdefault(name, []).append(row)
    machine = harness.machine()
    content = {"machine": machine, "encoder": learnt, "labels": found}
    path = os.path.join(harness.RESULTS, "dmlp_labels")
    with open(f"{path}.json", "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
    with open(f"{path}.md", "w", encoding="utf-8") as stream:
        stream.write(
            f"# dmlp_labels\n\n{__doc__.strip()}\n\n"
            f"Machine: {machine['processor']}, {machine['cores']} cores. Mean "
            "over seeds, with the lowest and the highest value. Accuracy of "
            "nearest neighbours on the encoder's features: "
            f"{learnt['neighbors_test']:.1%} on the test images. {FLAGS.note}"
            f"\n\n{table(found)}\n"
        )


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
