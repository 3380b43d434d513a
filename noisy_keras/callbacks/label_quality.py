"""How well a method detects noisy labels, where true labels are known."""

import keras
import numpy as np

from noisy_keras.labels.quality import label_quality
from noisy_keras.labels.quality import trust_quality

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
        clean = self.model.estimate_clean_probability(self.source)
        if clean is None:
            return
        logs["labels_suspect"] = int(np.sum(clean < 0.5))
        logs.update(label_quality(self.source, clean))
