"""ELR: early-learning regularisation.

1. A network learns right labels before it memorises wrong ones. What it
   predicted for a sample early on is kept in a table, as a running mean.
2. Beside the cross-entropy, the loss rewards predictions that agree with these
   targets: `L = CE(y, z) + lambda * log(1 - <t, p>)`. Where a label is wrong,
   this term's gradient cancels the one that would memorise it.

Reference: Liu, Niles-Weed, Razavian and Fernandez-Granda, Early-Learning
Regularization Prevents Memorization of Noisy Labels, NeurIPS 2020, section 4.
"""

import keras
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.labels.cross_epoch import CrossEpochHistory
from noisy_keras.methods.bases import imbalance
from noisy_keras.methods.bases.imbalance import BalancedModel
from noisy_keras.ops import losses
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

# Bounds on probabilities, as in the authors' code.
_LEAST = 1e-4
# Of `1 - <t, p>`, before its logarithm.
_SMALLEST = 1e-6

_RULES = {
    "target_decay": arguments.within(0, 1, "[)"),
    "regularization_weight": arguments.at_least(0),
    "view": augment.view_rule,
    **imbalance.RULES,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class ELR(BalancedModel):
    """Cross-entropy, regularised by a running mean of earlier predictions.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: the `Source` to be trained on, or its number of samples N.
        target_decay: float in [0, 1), the paper's beta: what a new prediction
            leaves of a sample's target; 0.7 for symmetric noise on CIFAR-10,
            0.9 for asymmetric noise and on CIFAR-100.
        regularization_weight: float of at least 0, the paper's lambda; 3 for
            symmetric and 1 for asymmetric noise on CIFAR-10, 7 on CIFAR-100.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        name: str, name of the model.
        class_weight: None; `"balanced"`, which weighs each given class by
            `N / (K n_c)`; or dict from classes to weights of at least 0, as in
            Keras. It multiplies the cross-entropy of a sample.
        sampling: str, `"shuffled"`, or `"balanced"`: each given class is shown
            equally often.
        logit_adjustment: None; `"loss"` or `"post_hoc"`: by the logarithms of
            the shares of the given classes, see
            `noisy_keras.methods.bases.imbalance`.
        adjustment_strength: float >= 0, what these are multiplied by, tau.

    Attributes:
        targets: `SampleTable` `[N, K]`, the running means t; zeros before the
            first step on a sample.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.ELR("tiny", source)
        >>> model.compile(nk.MomentumSGD(0.05))
        >>> history = model.fit(source, epochs=10, verbose=0)
    """

    default_batch_size = 128
    loss_names = ("loss_labeled", "regularization")
    network_count = 1
    audit_strategy = CrossEpochHistory()
    refuses_sample_weight = ""

    def __init__(
        self,
        networks,
        num_samples,
        target_decay=0.7,
        regularization_weight=3.0,
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
        self.targets = SampleTable(
            self.num_samples, self.num_classes, name="targets"
        )

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        beta, seen = self.target_decay, {}
        before = self.targets.read(data["index"])

        def terms(logits):
            p = clipped_probabilities(logits)
            # Section 4.2: the target moves before the loss uses it, and is no
            # part of the gradient.
            share = tf.stop_gradient(p)
            share /= tf.reduce_sum(share, axis=1, keepdims=True)
            seen["targets"] = t = beta * before + (1.0 - beta) * share
            loss = losses.cross_entropy(data["target"], self.adjusted(logits))
            # Section 4.1.
            penalty = early_learning_penalty(t, p)
            if "weight" in data:
                # Both terms are of the sample: else those of little weight
                # would be regularised alone.
                loss, penalty = data["weight"] * loss, data["weight"] * penalty
            penalty = tf.reduce_mean(penalty)
            return {
                "loss_labeled": self.weighted(loss, data["label"]),
                "regularization": self.regularization_weight * penalty,
            }

        logits = self.descend_on(data, terms)
        self.targets.write(data["index"], seen["targets"])
        self.remember(data, tf.nn.softmax(logits))


def clipped_probabilities(logits):
    """Softmax within `[1e-4, 1 - 1e-4]`, as in the authors' code.

    Args:
        logits: float `[B, K]`.

    Returns:
        float32 `[B, K]`; rows sum to 1 only nearly.
    """
    p = tf.nn.softmax(tf.cast(logits, tf.float32))
    return tf.clip_by_value(p, _LEAST, 1.0 - _LEAST)


def early_learning_penalty(targets, probabilities):
    """`log(1 - <t, p>)` of each sample: low where both agree.

    Args:
        targets: float `[B, K]`, the running means t.
        probabilities: float `[B, K]`, the predictions p.

    Returns:
        float `[B]`, at most 0.

    Reference: Liu et al., NeurIPS 2020, section 4.1.
    """
    agreement = tf.reduce_sum(targets * probabilities, axis=1)
    return tf.math.log(tf.maximum(1.0 - agreement, _SMALLEST))
