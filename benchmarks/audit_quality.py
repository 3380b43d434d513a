"""Detection of noisy labels: audits of training runs compared with cleanlab.

Data: the first 4,000 CIFAR-10 training images by id with a PreAct ResNet-18 of
width 8, and scikit-learn's 1,257 digits with the network "tiny". Batches of 64
images. Noise at a nominal rate of 40 %: symmetric; asymmetric between similar
classes (five of the ten classes of CIFAR-10, so that 20 % of all labels are
noisy); instance-dependent, by the appearance of each image; or
out-of-distribution images (automobiles and cats replace 40 % of the images of
the eight other classes; digits 8 and 9 replace 20 % of the others).

- Cross-entropy, 20 epochs. Labels are judged by the predictions for each image
  before each step on it, averaged over epochs: a label is suspect if its loss
  is among the high ones or another class is more likely, see
  `loss_rules.credibility`.
- DivideMix, 4 epochs of warm-up and 4 more, judged by the losses of its two
  networks.
- Joint-Optim, 30 epochs, relabelling from the 26th on, judged like
  cross-entropy with the greatest weight on late epochs.
- cleanlab on predictions of 5-fold cross-validation: cross-entropy, 10 epochs
  per fold, with the same network, rate, batches and views. Its score is
  self-confidence, the out-of-sample probability of the given label; its
  suspects are those of `cleanlab.filter.find_label_issues` with default
  arguments.

Compute in forward passes of each image (a training step counts as three): 60
for cross-entropy, about 104 for DivideMix, 120 for Joint-Optim and 121 for
cross-validation.

The rules of cross-entropy's audit were chosen on these same rows, so that its
results are optimistic. The comparison of losses with the easiest tenth of their
class was chosen on digits of seed 0 with asymmetric noise; the use of more
likely classes and the limits 1.5 and 4 on all rows of cross-entropy and on
digits whose classes have 125 down to 12 samples. With the loss alone, F1 was
0.338 (CIFAR-10, asymmetric), 0.597 (instance), 0.704 (symmetric), 0.731, 0.965
and 0.952 (digits: asymmetric, symmetric, out of distribution), and AUC 0.631,
0.789, 0.856, 0.945, 0.997 and 0.999. Also tried: a more likely class alone (F1
0.797, 0.978 and 0.635 on digits); either rule with a limit of 1 instead of 1.5
(0.455, 0.676, 0.659, 0.772, 0.966 and 0.952); its odds times those of the loss
with a dozen weights; a mixture fitted to the margins (0.55 on asymmetric
noise); mean predictions as thresholds (0.895 there, but worse for imbalanced
classes); clusters of predictions. The limits of the verdict
`out_of_distribution` were chosen on digits of seed 0.

    pip install '.[audit]'
    python benchmarks/audit_quality.py --data_dir=FOLDER --work_dir=runs/audit
    python benchmarks/audit_quality.py --dataset=digits --work_dir=runs/audit

Finished runs are not repeated. Results of all runs in the working folder are
written to benchmarks/results/audit_quality.json and audit_quality.md.
"""

import itertools
import json
import os

import harness
import numpy as np
from absl import app
from absl import flags

flags.DEFINE_string("data_dir", None, "Prepared TFDS CIFAR-10.")
flags.DEFINE_enum("dataset", "cifar10", ["cifar10", "digits"], "Data set.")
flags.DEFINE_string("work_dir", "runs/audit", "Folder of what is finished.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_list("noise", ["symmetric", "asymmetric"], "Kinds of noise.")
flags.DEFINE_list("methods", None, "Methods; default: all.")
flags.DEFINE_integer("epochs", 20, "Epochs of cross-entropy; others scale.")
flags.DEFINE_integer("samples", 4000, "Training images.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
FLAGS = flags.FLAGS

FOLDS = 5
DATASETS = ("cifar10", "digits")
KINDS = ("symmetric", "asymmetric", "instance", "foreign")
METHODS = ("cross_entropy", "cleanlab", "dividemix", "joint_optim")
_RATE, _DECAY, _BATCH = 0.05, 5e-4, 64


def main(argv):
    del argv
    import keras

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    os.makedirs(FLAGS.work_dir, exist_ok=True)
    for seed in map(int, FLAGS.seeds):
        for kind in FLAGS.noise:
            for name in FLAGS.methods or METHODS:
                path = _file(kind, name, seed)
                if os.path.exists(path):
                    continue
                print(f"== {name}, {kind}, seed {seed}", flush=True)
                found = measured(name, kind, seed)
                with open(path, "w", encoding="utf-8") as stream:
                    json.dump(found, stream, indent=1)
                report()
    report()  # Again, because the note may have changed.


def _file(kind, name, seed, dataset=None):
    name = f"{dataset or FLAGS.dataset}-{kind}-{name}-{seed}.json"
    return os.path.join(FLAGS.work_dir, name)


def measured(name, kind, seed):
    """Results of one method on one kind of noise: dict."""
    source = noisy(kind, seed)
    if name == "cleanlab":
        return cross_validated(source, kind, seed)
    model, epochs, rate = make(name, kind, source, seed)
    train(model, source, epochs, rate, seed)
    audit = model.label_audit(source)
    audit.to_csv(_file(kind, name, seed).replace(".json", ".csv"))
    history = getattr(model, "prediction_history", None)
    if history is not None:
        np.save(_file(kind, name, seed) + ".npy", history.numpy())
    return figures(
        source.labels != source.true_labels,
        audit.clean_probability,
        audit.verdict != "ok",
        audit.suggested_label == source.true_labels,
    ) | out_of_distribution(audit, source)


def out_of_distribution(audit, source):
    """Shares of labels with the verdict `out_of_distribution`: dict.

    Of all labels, of those of out-of-distribution images, and of other noisy
    ones.
    """
    called = audit.verdict == "out_of_distribution"
    wrong = source.labels != source.true_labels
    foreign = np.zeros(len(wrong), bool)
    if source.foreign is not None:
        foreign = np.asarray(source.foreign)
    found = {"called_of_no_class": float(called.mean())}
    for name, which in {"foreign": foreign, "other": wrong & ~foreign}.items():
        if which.any():
            found[f"{name}_called_of_no_class"] = float(called[which].mean())
    return found


def noisy(kind, seed):
    """A source with noisy labels."""
    import noisy_keras as nk

    whole = nk.data.load(FLAGS.dataset, data_dir=FLAGS.data_dir)
    source = whole.subset(range(min(FLAGS.samples, whole.num_samples)))
    if kind == "foreign":
        left_out = ["automobile", "cat"]
        if FLAGS.dataset == "digits":
            left_out = ["8", "9"]
        kept = [c for c in whole.class_names if c not in left_out]
        # There are too few images of the two digits for a rate of 40 %.
        rate = 0.4 if FLAGS.dataset == "cifar10" else 0.2
        noise = nk.data.OpenSetNoise(rate, seed=seed)
        return noise.apply_to(
            source.of_classes(kept), whole.of_classes(left_out)
        )
    make = {
        "symmetric": nk.data.SymmetricNoise,
        "asymmetric": nk.data.AsymmetricNoise,
        "instance": nk.data.InstanceNoise,
    }
    return source.with_noise(make[kind](0.4, seed=seed))


def make(name, kind, source, seed):
    """A model, its epochs and its learning rate."""
    import keras

    import noisy_keras as nk

    keras.utils.set_random_seed(seed)
    if FLAGS.dataset == "digits":
        network = nk.networks.build("tiny", source)
    else:
        network = nk.networks.build("preact_resnet18", source, width=8)
    count, epochs = source.num_samples, FLAGS.epochs
    if name == "cross_entropy":
        return nk.CrossEntropy(network, count), epochs, _RATE
    if name == "joint_optim":
        epochs = round(1.5 * epochs)
        model = nk.JointOptim(network, count, relabel_from=epochs - 4)
        return model, epochs, _RATE
    # The published settings by kind of noise.
    uneven = kind == "asymmetric"
    model = nk.DivideMix(
        network,
        count,
        warmup_epochs=round(0.2 * epochs),
        warmup_penalty=uneven,
        unlabeled_weight=0.0 if uneven else 25.0,
    )
    return model, round(0.4 * epochs), 0.02


def train(model, source, epochs, rate, seed):
    """Trains a model; the rate is divided by 10 after three quarters."""
    import keras

    import noisy_keras as nk

    drop = round(0.75 * epochs)
    model.compile(nk.MomentumSGD(rate, momentum=0.9, weight_decay=_DECAY))
    model.fit(
        source,
        epochs=epochs,
        batch_size=_BATCH,
        seed=seed,
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(
                lambda epoch: rate if epoch < drop else rate / 10
            )
        ],
    )


def cross_validated(source, kind, seed):
    """Detection by cleanlab on out-of-sample predictions."""
    from cleanlab import filter as cleanlab_filter
    from cleanlab import rank

    probabilities = np.zeros((source.num_samples, source.num_classes))
    fold = np.random.RandomState(seed).permutation(source.num_samples) % FOLDS
    for k in range(FOLDS):
        path = _file(kind, f"fold{k}", seed) + ".npy"
        if not os.path.exists(path):
            print(f"== fold {k + 1} of {FOLDS}", flush=True)
            part = source.subset(np.flatnonzero(fold != k))
            model, epochs, rate = make("cross_entropy", kind, part, seed + k)
            train(model, part, epochs // 2, rate, seed + k)
            held = source.subset(np.flatnonzero(fold == k))
            np.save(path, model.predict(held, verbose=0))
        probabilities[fold == k] = np.load(path, allow_pickle=False)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = np.asarray(source.labels)
    return figures(
        labels != source.true_labels,
        rank.get_self_confidence_for_each_label(labels, probabilities),
        cleanlab_filter.find_label_issues(labels, probabilities),
        probabilities.argmax(axis=1) == source.true_labels,
    )


def figures(wrong, score, suspect, suggested_right):
    """Quality of the detection of noisy labels.

    Args:
        wrong: bool array `[N]`, whether a label is noisy.
        score: float array `[N]`, low where a label is likely noisy.
        suspect: bool array `[N]`, whether a label is detected.
        suggested_right: bool array `[N]`, whether the suggested label is the
            true one.

    Returns:
        Dict from the name of a measure to its value.
    """
    from sklearn import metrics

    found = np.sum(suspect & wrong)
    lowest = np.argsort(score, kind="stable")[: wrong.sum()]
    precision = float(found / max(1, suspect.sum()))
    recall = float(found / wrong.sum())
    return {
        "wrong": float(wrong.mean()),
        "suspect": float(suspect.mean()),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
        "auc": float(metrics.roc_auc_score(~wrong, score)),
        "r_precision": float(wrong[lowest].mean()),
        "suggested_right": float(suggested_right[wrong].mean()),
    }


_COLUMNS = (
    "wrong suspect precision recall f1 auc r_precision suggested_right".split()
)


def report():
    """Writes all results as JSON and as a Markdown table."""
    rows = {}
    for dataset, kind, name, seed in itertools.product(
        DATASETS, KINDS, METHODS, range(10)
    ):
        path = _file(kind, name, seed, dataset)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                found = json.load(stream)
            rows.setdefault(f"{dataset}, {kind}, {name}", []).append(found)
    machine = harness.machine()
    lines = ["# audit_quality", "", __doc__.strip(), ""]
    lines += [
        f"Machine: {machine['processor']}, {machine['cores']} cores. `wrong`: "
        "share of noisy labels; `suspect`: share of detected labels; "
        "`r_precision`: precision when as many labels are detected as are "
        "noisy; `suggested_right`: share of the noisy labels whose suggested "
        "label is the true one.",
        "",
        "| data, noise, method | seeds | " + " | ".join(_COLUMNS) + " |",
        "|---" * (2 + len(_COLUMNS)) + "|",
    ]
    for name, found in rows.items():
        cells = [f"{np.mean([f[c] for f in found]):.3f}" for c in _COLUMNS]
        lines.append(f"| {name} | {len(found)} | {' | '.join(cells)} |")
    if FLAGS.note:
        lines += ["", FLAGS.note]
    os.makedirs(harness.RESULTS, exist_ok=True)
    content = {"machine": machine, "note": FLAGS.note, "runs": rows}
    base = os.path.join(harness.RESULTS, "audit_quality")
    with open(f"{base}.json", "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")
    with open(f"{base}.md", "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    app.run(main)
