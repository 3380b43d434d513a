"""How well clean labels are told from wrong ones, where the truth is known."""

import keras
import numpy as np


class LabelQuality(keras.callbacks.Callback):
    """Adds to the epoch's logs what the model's clean probabilities are worth.

    `label_auc`: area under the ROC curve of clean probability for clean
    labels; `label_precision` and `label_recall`: of finding wrong labels by a
    clean probability below 0.5; `labels_suspect`: how many those are.
    `true_labels` are read here and reach no training batch.

    Args:
        source: the `Source` in training; without true labels only
            `labels_suspect` is added.
    """

    def __init__(self, source):
        super().__init__()
        self.source = source

    def on_epoch_end(self, epoch, logs=None):
        clean = self.model.known_clean_probability(self.source)
        if logs is None or clean is None:
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
    # Imported here: it takes a second, and unlabelled truth needs none of it.
    from sklearn import metrics

    clean_probability = np.asarray(clean_probability)[known]
    suspect = clean_probability < 0.5
    found = np.sum(suspect & wrong)
    quality = {
        "label_auc": float(metrics.roc_auc_score(~wrong, clean_probability)),
        "label_recall": float(found / wrong.sum()),
    }
    if suspect.any():
        quality["label_precision"] = float(found / suspect.sum())
    return quality
