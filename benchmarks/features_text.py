"""Wrong labels among texts: TF-IDF and truncated SVD features as data.

The texts are the sentences of the package chatterbot-corpus (BSD 3-Clause),
which needs no download beyond its installation:

- topic: English sentences, by the topic of the conversation they are from;
- language: sentences of all languages, by their language.

Sentences that occur twice, and classes of fewer than 60, are left out. Features
are scikit-learn's TF-IDF of words and of pairs of words (topic), or of one to
three characters (language), and the first 100 columns of their truncated SVD.
30 % of the labels are wrong (symmetric, exact). Each method trains with the
preset of features; the audit of all labels is compared with the truth.

    pip install chatterbot-corpus pyyaml
    python benchmarks/features_text.py

Written to benchmarks/results/features_text.json.
"""

import collections
import glob
import json
import os
import statistics
from importlib import metadata
from importlib import util

import harness
import keras
import numpy as np
from absl import app
from absl import flags
from sklearn import decomposition
from sklearn import metrics
from sklearn.feature_extraction import text

import noisy_keras as nk
from trainers import presets

flags.DEFINE_list(
    "methods",
    ["cross_entropy", "elr", "dividemix", "audit"],
    "Methods; audit is nk.audit, which trains none.",
)
flags.DEFINE_list("tasks", ["topic", "language"], "Tasks.")
flags.DEFINE_integer("seeds", 3, "Number of seeds, of noise and weights.")
flags.DEFINE_integer("columns", 100, "Columns of the truncated SVD.")
FLAGS = flags.FLAGS

_LEAST = 60
_NOISE = 0.3


def sentences(task):
    """Texts and their classes, two lists."""
    import yaml

    spec = util.find_spec("chatterbot_corpus")
    root = os.path.join(os.path.dirname(spec.origin), "data")
    found = {}
    for path in sorted(glob.glob(os.path.join(root, "*", "*.yml"))):
        language, name = path.split(os.sep)[-2:]
        if task == "topic" and language != "english":
            continue
        label = language if task == "language" else name.removesuffix(".yml")
        with open(path, encoding="utf-8") as stream:
            content = yaml.safe_load(stream)
        for conversation in content.get("conversations") or []:
            for line in conversation:
                words = " ".join(str(line).split())
                if words:
                    found.setdefault(words, set()).add(label)
    pairs = [(t, c.pop()) for t, c in found.items() if len(c) == 1]
    counts = collections.Counter(label for _, label in pairs)
    pairs = [p for p in pairs if counts[p[1]] >= _LEAST]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def features(task, texts):
    if task == "topic":
        options = {"ngram_range": (1, 2)}
    else:
        options = {"analyzer": "char_wb", "ngram_range": (1, 3)}
    counted = text.TfidfVectorizer(
        sublinear_tf=True, min_df=2, **options
    ).fit_transform(texts)
    svd = decomposition.TruncatedSVD(FLAGS.columns, random_state=0)
    return svd.fit_transform(counted).astype(np.float32)


def run(rows, labels, texts, method, seed):
    noise = nk.data.SymmetricNoise(_NOISE, seed, convention="exclude_true")
    source = nk.data.from_features(rows, labels, texts=texts)
    source = source.with_noise(noise)
    if method == "audit":
        return quality(nk.audit(source), source)
    row = presets.preset(method, "features:texts.npz", "symmetric", _NOISE)
    keras.utils.set_random_seed(seed)
    model = row.build(source)
    model.compile(row.optimizer(source.num_samples))
    model.fit(
        source,
        epochs=row.epochs,
        batch_size=row.batch_size,
        callbacks=[row.learning_rate_callback(source.num_samples)],
        seed=seed,
        verbose=0,
    )
    return quality(model.label_audit(source), source)


def quality(audit, source):
    """How well an audit finds the wrong labels: dict."""
    wrong = source.labels != source.true_labels
    called = audit.clean_probability < 0.5
    return {
        "auc": metrics.roc_auc_score(wrong, 1.0 - audit.clean_probability),
        "precision": float(np.mean(wrong[called])) if called.any() else 0.0,
        "recall": float(np.mean(called[wrong])),
        "restored": float(
            np.mean((audit.suggested_label == source.true_labels)[wrong])
        ),
    }


def main(_):
    results = []
    for task in FLAGS.tasks:
        texts, labels = sentences(task)
        rows = features(task, texts)
        for method in FLAGS.methods:
            found = [
                run(rows, labels, texts, method, seed)
                for seed in range(FLAGS.seeds)
            ]
            line = {
                "task": task,
                "method": method,
                "samples": len(texts),
                "classes": len(set(labels)),
                **{
                    key: round(statistics.mean(f[key] for f in found), 4)
                    for key in found[0]
                },
                "auc_by_seed": [round(f["auc"], 4) for f in found],
            }
            print(line, flush=True)
            results.append(line)
    content = {
        "noise": _NOISE,
        "columns": FLAGS.columns,
        "corpus": f"chatterbot-corpus {metadata.version('chatterbot-corpus')}",
        "results": results,
    }
    path = os.path.join(harness.RESULTS, "features_text.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")


if __name__ == "__main__":
    app.run(main)
