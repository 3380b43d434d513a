"""How well a method detects noisy labels, where true labels are known."""

import keras
import numpy as np

# From names in the logs to tables of methods with a trusted set.
_TRUST = {"weight": "sample_weight", "kept": "kept"}


class LabelQuality(keras.callbacks.Callback):
    """Adds metrics of the model's clean probabilities to the logs of an epoch.

    `label_auc` is the area under the ROC curve of clean probability as a score
    for clean labels. `label_precision` and `label_recall` are those of
    detecting noisy labels by a clean probability below 0.5, and
    `labels_suspect` is the number of labels so detected.

    Methods that weigh samples or choose labels by a trusted set add the mean
    weight (1 is an equal share of a batch) and the mean trust in given labels
    at the last step of each sample: `weight_clean`, `weight_noisy`,
    `kept_clean` and `kept_noisy`. `weight_auc` and `kept_auc` are the areas
    under the ROC curve of their means over about ten epochs. Where true labels
    are unknown: `weight` and `kept`.

    True labels are used for these metrics only and never reach a training
    batch.

    Args:
        source: `Source` in training. Without true labels only `labels_suspect`
            is added.
    """

    def __init__(self, source):
        super().__init__()
        self.source = source

    def on_epoch_end(self, epoch, logs=None):
        if logs is None:
            return
        for name, attribute in _TRUST.items():
            table = getattr(self.model, attribute, None)
            if table is not None:
                logs.update(trust_quality(self.source, name, table.numpy()))
        clean = self.model.known_clean_probability(self.source)
        if clean is None:
            return
        logs["labels_suspect"] = int(np.sum(clean < 0.5))
        logs.update(label_quality(self.source, clean))


def label_quality(source, clean_probability):
    """Metrics of the detection of noisy labels.

    Args:
        source: `Source` of N samples.
        clean_probability: float array `[N]` in `[0, 1]`.

    Returns:
        Dict of `label_auc`, `label_precision` and `label_recall`, floats in
        `[0, 1]`. It is empty where true labels are unknown, or all labels are
        clean or all noisy. Precision is omitted if no label is suspect.
    """
    known = source.truth_known
    if not known.any():
        return {}
    wrong = (source.labels != source.true_labels)[known]
    if not wrong.any() or wrong.all():
        return {}
    clean_probability = np.asarray(clean_probability)[known]
    suspect = clean_probability < 0.5
    found = np.sum(suspect & wrong)
    quality = {
        "label_auc": _auc(~wrong, clean_probability),
        "label_recall": float(found / wrong.sum()),
    }
    if suspect.any():
        quality["label_precision"] = float(found / suspect.sum())
    return quality


def trust_quality(source, name, table):
    """How a method with a trusted set treats clean and noisy labels.

    Args:
        source: `Source` of N samples.
        name: str, name of the quantity in the table.
        table: float array `[N, 2]`, the last value of each sample and its mean
            over time; negative where there is none yet.

    Returns:
        Dict of floats `{name}_clean`, `{name}_noisy` and `{name}_auc`; of
        `{name}` only where true labels are unknown; empty if the table is.
    """
    seen = table[:, 0] >= 0.0
    if not seen.any():
        return {}
    known = seen & source.truth_known
    if not known.any():
        return {name: float(table[seen, 0].mean())}
    right = (source.labels == source.true_labels)[known]
    last, mean = table[known].T
    quality = {}
    for kind, rows in (("clean", right), ("noisy", ~right)):
        if rows.any():
            quality[f"{name}_{kind}"] = float(last[rows].mean())
    if len(quality) == 2:
        quality[f"{name}_auc"] = _auc(right, mean)
    return quality


def _auc(positive, score):
    # Imported here because the import takes a second and is needed only if
    # true labels are known.
    from sklearn import metrics

    return float(metrics.roc_auc_score(positive, score))
