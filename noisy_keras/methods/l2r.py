"""L2R: learning to reweight samples by a trusted set.

Each step weighs its samples as far as their gradients agree with that of the
trusted loss at the current weights: the meta-gradient of weights that start
at zero. Negative ones are cut off, the rest divided by their sum plus 1e-5, as
IEG's code has it, with alpha = 1.

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

_RULES = {"view": arguments.one_of(*augment.VIEWS)}


@keras.saving.register_keras_serializable(package="noisy_keras")
class L2R(MetaModel):
    """Learning to reweight.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        view: the view to train on, one of `noisy_keras.data.VIEWS`.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.L2R(network, source.num_samples)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    loss_names = ("loss_weighted", "probe_loss", "zero_weights")
    probe_decay = False  # The gradient is that of the trusted loss alone.

    def __init__(self, networks, num_samples, view="weak", name=None):
        chosen = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        self.built = True

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
            # Weights of zero leave the parameters where they are.
            _, direction = self.probe(theta, data)
            change = meta.derivative_along(tape, each, theta, direction)
            weights = tf.stop_gradient(meta.sample_weights(-change))
            seen.update(logits=logits, weights=weights)
            each = losses.cross_entropy(data["target"], logits)
            return {"loss_weighted": tf.reduce_sum(weights * each)}

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        weights = seen["weights"]
        self.note_weights(weights)
        even = float(weights.shape[0])
        predictions = tf.nn.softmax(seen["logits"])
        self.remember(data, predictions, even * weights)
