"""DivideMix on features, divided by losses, by agreement, and by both.

The 1,797 digits of scikit-learn as vectors of 64 columns, of which a fifth is
the test set, with true labels. DivideMix trains two networks `mlp` for 10
epochs, of which 4 are plain, in batches of 128, with a learning rate of 0.1 and
the preset's weight of pseudo-labels for each noise. Per noise and division,
three seeds of noise, split and training: test accuracy and the area under the
ROC curve of the clean probabilities after the last division, and the overlap of
the two components of the mixture of losses.

    python benchmarks/division_agreement.py

Written to benchmarks/results/division_agreement.json and .md. It takes about
ten minutes of one processor. Between trainings the weights and tables of one
model per seed are reset, so that its step is compiled once.
"""

import json
import os
import platform
import statistics
import time

import harness
import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from sklearn import datasets

import noisy_keras as nk
from noisy_keras.core import audits
from noisy_keras.labels import division
from noisy_keras.labels import quality

flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds.")
flags.DEFINE_integer("epochs", 10, "Epochs.")
flags.DEFINE_integer("warmup_epochs", 4, "Epochs before the first division.")
FLAGS = flags.FLAGS

_DIVISIONS = ("loss", "agreement", "both")
# Weight of pseudo-labels, as in `trainers.presets.dividemix`.
_NOISE = {
    "symmetric 20 %": (nk.data.SymmetricNoise, 0.2, 0.0),
    "symmetric 50 %": (nk.data.SymmetricNoise, 0.5, 25.0),
    "symmetric 80 %": (nk.data.SymmetricNoise, 0.8, 25.0),
    "asymmetric 40 %": (nk.data.AsymmetricNoise, 0.4, 0.0),
    "instance 40 %": (nk.data.InstanceNoise, 0.4, 0.0),
}


def sources(noise, rate, seed):
    """Training source with wrong labels, and the test source."""
    images, labels = datasets.load_digits(return_X_y=True)
    order = np.random.RandomState(seed).permutation(len(labels))
    test, train = np.split(order, [len(order) // 5])
    given = {}
    if noise is nk.data.InstanceNoise:
        # It is defined by the pixels of images.
        given["images"] = images[train].reshape(-1, 8, 8, 1) / 16.0
    wrong = noise(rate, seed=seed).apply(labels[train], num_classes=10, **given)
    names = [str(c) for c in range(10)]
    images = images.astype(np.float32)
    return (
        nk.data.from_features(images[train], wrong, labels[train], names),
        nk.data.from_features(images[test], labels[test], class_names=names),
    )


class Trained:
    """A model that is trained on one split again and again, from its start.

    Its step is compiled once, which takes as long as the training.
    """

    def __init__(self, seed):
        train, _ = sources(nk.data.SymmetricNoise, 0.2, seed)
        keras.utils.set_random_seed(seed)
        self.model = nk.DivideMix(
            "mlp", train, warmup_epochs=FLAGS.warmup_epochs
        )
        self.model.compile(nk.MomentumSGD(0.1, momentum=0.9, weight_decay=5e-4))
        self.start = self.model.get_weights()
        self.optimizer = [v.numpy() for v in self.model.optimizer.variables]

    def reset(self, kind, weight):
        """The model as it was made, networks and tables."""
        model = self.model
        model.set_weights(self.start)
        pairs = zip(model.optimizer.variables, self.optimizer, strict=True)
        for variable, value in pairs:
            variable.assign(value)
        model.pictures = None  # It may be fitted on other labels.
        model.division, model.unlabeled_weight = kind, weight
        return model


def measure(name, kind, seed, trained):
    """One training."""
    noise, rate, weight = _NOISE[name]
    train, test = sources(noise, rate, seed)
    model = trained.reset(kind, weight)
    began = time.process_time()
    model.fit(train, epochs=FLAGS.epochs, batch_size=128, seed=seed, verbose=0)
    clean = model.estimate_clean_probability(train)
    found = quality.label_quality(train, clean)
    mixtures = audits.loss_divisions(model, train)
    accuracy = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    return {
        "noise": name,
        "division": kind,
        "seed": seed,
        "test_accuracy": round(accuracy, 4),
        "label_auc": round(found["label_auc"], 4),
        "overlap": round(
            statistics.mean(division.overlap(m) for _, m in mixtures), 4
        ),
        "right_side": round(
            float(
                np.mean((clean > 0.5) == (train.labels == train.true_labels))
            ),
            4,
        ),
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def table(results):
    """Means over seeds, as lines of a table."""
    lines = [
        "| noise | division | test accuracy | label AUC | right side of 1/2 | "
        "overlap of the losses |",
        "|---|---|---|---|---|---|",
    ]
    for name in _NOISE:
        for kind in _DIVISIONS:
            some = [
                r
                for r in results
                if (r["noise"], r["division"]) == (name, kind)
            ]
            accuracy = [100.0 * r["test_accuracy"] for r in some]
            spread = statistics.stdev(accuracy) if len(some) > 1 else 0.0
            auc, side, overlap = (
                statistics.mean(r[key] for r in some)
                for key in ("label_auc", "right_side", "overlap")
            )
            lines.append(
                f"| {name} | {kind} | {statistics.mean(accuracy):.1f} ± "
                f"{spread:.1f} % | {auc:.3f} | {side:.1%} | {overlap:.2f} |"
            )
    return lines


def main(_):
    results = []
    for seed in map(int, FLAGS.seeds):
        trained = Trained(seed)
        for name in _NOISE:
            for kind in _DIVISIONS:
                results.append(measure(name, kind, seed, trained))
                print(results[-1], flush=True)
    content = {
        "description": __doc__,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "epochs": FLAGS.epochs,
        "warmup_epochs": FLAGS.warmup_epochs,
        "results": results,
    }
    path = os.path.join(harness.RESULTS, "division_agreement")
    with open(f"{path}.json", "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
    text = "\n".join([__doc__.strip(), "", *table(results), ""])
    with open(f"{path}.md", "w", encoding="utf-8") as stream:
        stream.write(text)


if __name__ == "__main__":
    app.run(main)
