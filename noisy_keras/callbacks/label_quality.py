"""How well clean labels are told from wrong ones, where the truth is known."""

import keras
import numpy as np

# Tables of methods with a trusted set, by what the logs call them.
_TRUST = {"weight": "sample_weight", "kept": "kept"}


class LabelQuality(keras.callbacks.Callback):
    """Adds to the epoch's logs what the model's clean probabilities are worth.

    `label_auc`: area under the ROC curve of clean probability for clean
    labels; `label_precision` and `label_recall`: of finding wrong labels by a
    clean probability below 0.5; `labels_suspect`: how many those are.
    Of methods that weigh samples or choose labels by a trusted set, also the
    mean weight (1 is an even share of a batch) and the mean trust in given
    labels at each sample's last step: `weight_clean`, `weight_noisy`,
    `kept_clean`, `kept_noisy`; and `weight_auc` and `kept_auc`, those of their
    means over about ten epochs. Where the truth is unknown: `weight`, `kept`.
    `true_labels` are read here and reach no training batch.

    Args:
        source: the `Source` in training; without true labels only
            `labels_suspect` is added.
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
    """Detection of wrong labels against the true ones.

    Args:
        source: a `Source`.
        clean_probability: `[N]`.

    Returns:
        dict of `label_auc`, `label_precision`, `label_recall` in `[0, 1]`;
        empty where the truth is unknown, or all labels are right or wrong.
        Precision is left out where nothing is suspect.
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
        source: a `Source`.
        name: of what the table holds.
        table: float `[N, 2]`: the last value of each sample and its mean over
            time; negative where there is none.

    Returns:
        dict of `{name}_clean`, `{name}_noisy` and `{name}_auc`; of `{name}`
        alone where the truth is unknown; empty where the table is.
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
    # Imported here: it takes a second, and unknown truth needs none of it.
    from sklearn import metrics

    return float(metrics.roc_auc_score(positive, score))
