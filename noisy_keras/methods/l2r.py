"""L2R: learning to reweight samples by a trusted set.

The weight of a sample is the inner product of its gradient with that of the
trusted loss at the current parameters: the meta-gradient of weights that start
at zero. Negative weights are set to zero, the others divided by their sum plus
1e-5, as in IEG's code with alpha = 1.

Reference: Ren, Zeng, Yang and Urtasun, Learning to Reweight Examples for Robust
Deep Learning, ICML 2018, algorithm 1; as the released code of IEG runs it.
"""

import keras
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.methods.bases.meta_model import MetaModel
from noisy_keras.ops import losses
from noisy_keras.ops import meta
from noisy_keras.utils import arguments

_RULES = {"view": augment.view_rule}


@keras.saving.register_keras_serializable(package="noisy_keras")
class L2R(MetaModel):
    """Learning to reweight samples by meta-gradients.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        name: str, name of the model.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> model = nk.L2R("tiny", source)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    loss_names = ("loss_weighted", "probe_loss", "zero_weights")
    probe_decay = False  # The gradient is that of the trusted loss alone.

    def __init__(self, networks, num_samples, view="weak", name=None):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)
        seen = {}

        def terms():
            theta = self.parameters()
            logits, tape, recorded = self.recorded(theta, images)
            with tape:
                each = losses.cross_entropy(data["target"], recorded)
            # Initial weights of zero: the look-ahead equals the parameters.
            _, direction = self.probe(theta, data)
            change = meta.derivative_along(tape, each, theta, direction)
            weights = tf.stop_gradient(meta.sample_weights(-change))
            seen.update(logits=logits, weights=weights)
            each = losses.cross_entropy(data["target"], logits)
            return {"loss_weighted": tf.reduce_sum(weights * each)}

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        weights = seen["weights"]
        self.report_weights(weights)
        even = float(weights.shape[0])
        predictions = tf.nn.softmax(seen["logits"])
        self.remember(data, predictions, even * weights)
