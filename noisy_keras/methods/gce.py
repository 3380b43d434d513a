"""GCE: generalised cross-entropy, a loss between cross-entropy and MAE.

1. Cross-entropy weighs a sample by how badly its label fits, and so memorises
   wrong labels; the mean absolute error weighs all samples alike, and hardly
   learns. `L_q(p_y) = (1 - p_y^q) / q` lies in between: its gradient is that of
   the cross-entropy times `p_y^q`.
2. Truncated GCE leaves out samples whose label has a probability of at most k:
   every few epochs they are found anew, and their loss becomes a constant.

Reference: Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep
Neural Networks with Noisy Labels, NeurIPS 2018; sections 3.2 and 3.3.
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.labels import measuring
from noisy_keras.labels.cross_epoch import CrossEpochHistory
from noisy_keras.methods.bases import imbalance
from noisy_keras.methods.bases.imbalance import BalancedModel
from noisy_keras.methods.bases.imbalance import BalancedPlan
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

_RULES = {
    "q": arguments.within(0, 1, "(]"),
    "truncation": arguments.optional(arguments.within(0, 1, "()")),
    "prune_from": arguments.at_least(0, int),
    "prune_every": arguments.at_least(1, int),
    "view": augment.view_rule,
    **imbalance.RULES,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class GCE(BalancedModel):
    """Training with the generalised cross-entropy, truncated if asked.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: the `Source` to be trained on, or its number of samples N.
        q: float in (0, 1], the paper's q: towards 0 the cross-entropy, 1 half
            of the mean absolute error.
        truncation: float in (0, 1), the paper's k: samples whose given label
            has at most this probability are left out; None truncates nothing.
        prune_from: int, first epoch before which samples are chosen; 40 on
            CIFAR-10 and 80 on CIFAR-100 in the paper.
        prune_every: int, number of epochs between choices.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        name: str, name of the model.
        class_weight: None; `"balanced"`, which weighs each given class by
            `N / (K n_c)`; or dict from classes to weights of at least 0, as in
            Keras. It multiplies the loss of a sample.
        sampling: str, `"shuffled"`, or `"balanced"`: each given class is shown
            equally often.
        logit_adjustment: None; `"loss"` or `"post_hoc"`: by the logarithms of
            the shares of the given classes, see
            `noisy_keras.methods.bases.imbalance`.
        adjustment_strength: float >= 0, what these are multiplied by, tau.

    Attributes:
        selected: `SampleTable` `[N, 1]`, 1 for samples that are trained on; of
            a truncated loss alone.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.GCE("tiny", source)
        >>> model.compile(nk.MomentumSGD(0.05))
        >>> history = model.fit(source, epochs=10, verbose=0)
    """

    default_batch_size = 128
    loss_names = ("generalized_cross_entropy",)
    network_count = 1
    audit_strategy = CrossEpochHistory()
    refuses_sample_weight = ""

    def __init__(
        self,
        networks,
        num_samples,
        q=0.7,
        truncation=None,
        prune_from=40,
        prune_every=10,
        view="weak",
        name=None,
        class_weight=None,
        sampling="shuffled",
        logit_adjustment=None,
        adjustment_strength=1.0,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, name=name, settings=settings)
        self.keep_balance()
        self.keep_history()
        if self.truncation is not None:
            self.selected = SampleTable(
                self.num_samples, 1, initial_value=1.0, name="selected"
            )

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        def terms(logits):
            logits = self.adjusted(logits)
            loss = generalized_cross_entropy(data["target"], logits, self.q)
            if self.truncation is not None:
                # Section 3.3: the loss of a sample left out is the constant
                # L_q(k), without a gradient.
                selected = self.selected.read(data["index"])[:, 0]
                constant = (1.0 - self.truncation**self.q) / self.q
                loss = selected * loss + (1.0 - selected) * constant
            if "weight" in data:
                loss = data["weight"] * loss
            loss = self.weighted(loss, data["label"])
            return {"generalized_cross_entropy": loss}

        logits = self.descend_on(data, terms)
        self.remember(data, tf.nn.softmax(logits))

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        self.balance_for(source)
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    def prune(self, source):
        """Chooses the samples whose given label is more probable than k.

        Where no label is, as before a network has learnt anything, the choice
        stays as it was: a loss of constants would never change again.

        Differs from the authors' code, which predicts with the network of the
        best validation accuracy so far: here it is the current one, since
        methods see no validation data.

        Args:
            source: `Source` in training.
        """
        loss = measuring.measure(self, source).loss[:, 0]
        selected = np.exp(-loss) > self.truncation
        if selected.any():
            self.selected.assign(selected[:, None])


def generalized_cross_entropy(targets, logits, q):
    """The loss of each sample, `(1 - p^q) / q` averaged over the target.

    Computed from log-probabilities: no probability needs to be clipped, and
    small q lose no digits.

    Args:
        targets: float `[B, K]`, distributions over the classes.
        logits: float `[B, K]`.
        q: float in (0, 1].

    Returns:
        float `[B]`, from 0 to `1 / q`.

    Reference: Zhang and Sabuncu, NeurIPS 2018, section 3.2.
    """
    log_probability = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    each = -tf.math.expm1(q * log_probability) / q
    return tf.reduce_sum(tf.cast(targets, tf.float32) * each, axis=1)


class _Plan(BalancedPlan):
    """Chooses the samples of a truncated loss between epochs."""

    def begin_epoch(self, epoch):
        model = self.model
        since = epoch - model.prune_from
        if model.truncation is not None and since >= 0:
            if since % model.prune_every == 0:
                model.prune(self.source)
