"""Purification of 49,000 labels on 512 features, in two views.

Ten Gaussian classes with 80 % of the labels drawn again. Both views have the
same samples with independent noise. 1,000 samples are trusted, of which 800 are
used for purification. The whole of `nk.LabelPurifier().fit` is timed: checks,
factors, compilation and 100 epochs with substitutions and measures on held-out
samples.

It is compared with the same algorithm written down directly in NumPy, which
forms and inverts the Gram matrix of the features at each visit of a batch, and
computes targets and accuracies row by row in Python. That version runs for a
few epochs, whose mean time is scaled to 100; its time without the auxiliary
classifier is reported as well. The label tables after those epochs show whether
both do the same.

Memory is the maximum resident size of the process after the purification minus
that before it, when the features are already in memory.

    python benchmarks/dmlp_purification.py

Written to benchmarks/results/dmlp_purification.json.
"""

import json
import os
import time

import harness
import numpy as np
from absl import app
from absl import flags

import noisy_keras as nk
from noisy_keras.methods.dmlp.layout import Layout

flags.DEFINE_integer("samples", 49_000, "Number of samples.")
flags.DEFINE_integer("columns", 512, "Number of features per sample.")
flags.DEFINE_integer("epochs", 100, "Epochs of the purification.")
flags.DEFINE_integer("reference_epochs", 2, "Epochs of the NumPy version.")
flags.DEFINE_string("output", None, "Folder; default: benchmarks/results.")
FLAGS = flags.FLAGS

_CLASSES, _TRUSTED = 10, 1000


def problem(count, columns):
    """Source, views, trusted labels and their views."""
    random = np.random.RandomState(0)
    centres = 0.14 * random.normal(size=(_CLASSES, columns))
    true = random.randint(0, _CLASSES, count + _TRUSTED)
    views = []
    for _ in range(2):
        view = random.standard_normal((count + _TRUSTED, columns))
        view += centres[true]
        views.append(view.astype(np.float32))
    anew = random.uniform(size=count) < 0.8
    given = np.where(anew, random.randint(0, _CLASSES, count), true[:count])
    source = nk.data.from_arrays(
        np.zeros((count, 1, 1, 1), np.uint8), given, true_labels=true[:count]
    )
    # With `true_labels`, accuracies would be measured in each epoch.
    source.true_labels = None
    return (
        source,
        true[:count],
        [view[:count] for view in views],
        true[count:],
        [view[count:] for view in views],
    )


class Plain:
    """The same algorithm, written down directly in NumPy."""

    def __init__(self, labels, views, trusted, trusted_views, settings):
        self.settings, self.views = settings, views
        self.targets = np.eye(_CLASSES, dtype=np.float32)[trusted]
        self.trusted = trusted_views
        start = np.eye(_CLASSES, dtype=np.float32)[labels]
        layout = Layout.at_random(
            len(labels), 0, settings.batch_size, 500, settings.seed
        )
        self.batches = [rows[rows >= 0] for rows in layout.samples]
        self.slice = layout.slices[1]
        self.labels = [start.copy() for _ in views]
        self.slots = [[Slots((len(b), _CLASSES)) for b in self.batches]] + [
            [Slots((len(b), _CLASSES)) for b in self.batches]
        ]
        shape = (views[0].shape[1] + 1, _CLASSES)
        bound = 1.0 / np.sqrt(views[0].shape[1])
        self.classifiers = [
            np.random.RandomState(settings.seed + 2 + v)
            .uniform(-bound, bound, shape)
            .astype(np.float32)
            for v in range(len(views))
        ]
        self.classifier_slots = [Slots(shape) for _ in views]
        self.classifier_seconds = 0.0

    def epoch(self, number, true):
        """One epoch over all batches; also measures its labels' accuracy."""
        for k, rows in enumerate(self.batches):
            for v in range(len(self.views)):
                features = self.views[v][rows]
                self.correct(v, k, rows, features)
                begin = time.perf_counter()
                self.fit_classifier(v, rows, features, number)
                self.classifier_seconds += time.perf_counter() - begin
        right = 0
        for labels in self.labels:
            for row in range(len(labels)):
                right += int(labels[row].argmax() == true[row])
        return right / len(true) / len(self.labels)

    def correct(self, v, k, rows, features):
        columns = features.shape[1]
        squares = features.T @ features
        added = self.settings.ridge * np.trace(squares) / columns
        inverse = np.linalg.inv(
            squares + added * np.eye(columns, dtype=np.float32)
        )
        solution = inverse @ features.T
        weights = solution @ self.labels[v][rows]
        outputs = features @ weights
        responses = self.trusted[v] @ weights
        to_responses = 2.0 * (responses - self.targets)
        to_responses += (softmax(responses) - self.targets) / len(responses)
        to_weights = self.trusted[v].T @ to_responses
        to_weights += features.T @ balance_gradient(softmax(outputs))
        gradient = solution.T @ to_weights
        self.labels[v][rows] += self.slots[v][k].step(gradient, 0.01)

    def fit_classifier(self, v, rows, features, number):
        targets = np.zeros((len(rows), _CLASSES), np.float32)
        for place, row in enumerate(rows):
            targets[place, self.labels[v][row].argmax()] = 1.0
        rate = 0.006 if number < 4 else 0.0006
        weights = self.classifiers[v]
        for start in range(0, len(rows), self.slice):
            x = features[start : start + self.slice]
            t = targets[start : start + self.slice]
            p = softmax(x @ weights[:-1] + weights[-1])
            log_p = np.log(np.maximum(p, 1e-30))
            surprise = -(p * log_p).sum(axis=1, keepdims=True)
            gradient = (
                p - t - self.settings.entropy_weight * p * (log_p + surprise)
            )
            gradient /= len(x)
            gradient += self.settings.balance_weight * balance_gradient(p)
            change = np.vstack([x.T @ gradient, gradient.sum(axis=0)])
            change += self.settings.classifier_weight_decay * weights
            weights += self.classifier_slots[v].step(change, rate)


class Slots:
    """Adam with betas of 0.5 and 0.999."""

    def __init__(self, shape):
        self.first = np.zeros(shape, np.float32)
        self.second = np.zeros(shape, np.float32)
        self.steps = 0

    def step(self, gradient, rate):
        self.steps += 1
        self.first = 0.5 * self.first + 0.5 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        mean = self.first / (1.0 - 0.5**self.steps)
        scale = np.sqrt(self.second / (1.0 - 0.999**self.steps)) + 1e-8
        return -rate * mean / scale


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def balance_gradient(p):
    """Gradient of `sum_c (1/K) log((1/K) / mean_b p_bc)` to the logits."""
    slope = -1.0 / (_CLASSES * p.mean(axis=0) * len(p))
    return p * (slope - (p * slope).sum(axis=1, keepdims=True))


def megabytes(field):
    """VmRSS, the resident size in MiB, or VmHWM, its maximum so far."""
    with open("/proc/self/status", encoding="utf-8") as stream:
        for line in stream:
            if line.startswith(field):
                return float(line.split()[1]) / 1024.0
    raise OSError(f"no {field} in /proc/self/status")


def forget_highest():
    with open("/proc/self/clear_refs", "w", encoding="utf-8") as stream:
        stream.write("5")


def main(argv):
    del argv
    source, true, views, trusted, trusted_views = problem(
        FLAGS.samples, FLAGS.columns
    )
    forget_highest()
    before, begin = megabytes("VmRSS"), time.perf_counter()
    at = []
    # Without early stopping.
    purifier = nk.LabelPurifier(epochs=FLAGS.epochs, patience=0)
    found = purifier.fit(
        source,
        views,
        trusted,
        trusted_views,
        verbose=0,
        on_epoch_end=lambda *_: at.append(time.perf_counter()),
    )
    whole = time.perf_counter() - begin
    memory = megabytes("VmHWM") - before
    print(f"{whole:.1f} s", flush=True)

    # The same few epochs of both versions, without held-out samples.
    few = FLAGS.reference_epochs
    plain_settings = {"held_out": 0.0, "export": "labels"}
    purifier = nk.LabelPurifier(epochs=few, **plain_settings)
    mine = purifier.fit(source, views, trusted, trusted_views, verbose=0)
    other = Plain(source.labels, views, trusted, trusted_views, purifier)
    begin = time.perf_counter()
    for epoch in range(few):
        other.epoch(epoch, true)
    seconds = (time.perf_counter() - begin) / few
    classifier = other.classifier_seconds / few
    table = np.mean([distributions(t) for t in other.labels], axis=0)
    result = {
        "machine": harness.machine(),
        "samples": FLAGS.samples,
        "columns": FLAGS.columns,
        "views": 2,
        "epochs": FLAGS.epochs,
        "seconds": round(whole, 2),
        "seconds_before_the_second_epoch": round(whole - (at[-1] - at[0]), 2),
        "seconds_an_epoch": round(float(np.median(np.diff(at))), 4),
        "megabytes": round(memory),
        "megabytes_of_features": round(sum(v.nbytes for v in views) / 2**20),
        "accuracy": {
            "given": round(float(np.mean(source.labels == true)), 4),
            "purified": round(float(np.mean(found.label == true)), 4),
            "estimated": {
                name: round(value, 4)
                for name, value in found.held_out_accuracy.items()
            },
            "taken": found.candidate,
        },
        "plain": {
            "epochs_timed": few,
            "seconds_an_epoch": round(seconds, 3),
            "seconds_scaled": round(seconds * FLAGS.epochs, 1),
            "scaled_without_classifier": round(
                (seconds - classifier) * FLAGS.epochs, 1
            ),
            "largest_difference_of_labels": float(
                np.abs(table - mine.labels).max()
            ),
        },
        "times_as_fast": round(seconds * FLAGS.epochs / whole, 1),
    }
    print(json.dumps(result, indent=1))
    folder = FLAGS.output or harness.RESULTS
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "dmlp_purification.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(result, stream, indent=1)
        stream.write("\n")


def distributions(table):
    positive = np.maximum(table, 0.0)
    return positive / positive.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    app.run(main)
