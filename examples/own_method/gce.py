"""GCE: generalised cross-entropy (Zhang and Sabuncu, NeurIPS 2018, eq. 6)."""

import keras
import tensorflow as tf

import noisy_keras as nk


@keras.saving.register_keras_serializable(package="own_method")
class GCE(nk.NoisyLabelModel):
    """Minimises `(1 - p_y^q) / q`, which is the cross-entropy as q nears 0."""

    loss_names = ("loss_labeled",)
    network_count = 1
    audit_strategy = nk.labels.CrossEpochHistory()

    def __init__(self, networks, num_samples, q=0.7, name=None):
        super().__init__(networks, num_samples, name=name, settings={"q": q})
        self.keep_history()

    def steps(self):
        return {"train": self.train}

    def train(self, data):
        def terms(logits):
            p = tf.reduce_sum(data["target"] * tf.nn.softmax(logits), axis=1)
            loss = (1 - tf.maximum(p, 1e-7) ** self.q) / self.q
            return {"loss_labeled": tf.reduce_mean(loss)}

        self.remember(data, tf.nn.softmax(self.descend_on(data, terms)))
