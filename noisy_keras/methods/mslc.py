"""MSLC: two small networks learn how much to trust which label.

1. Train on the given labels for some epochs, and keep the predictions for each
   sample in the last epoch.
2. Then the target of a sample is
   `beta y + (1 - beta) (gamma p_before + (1 - gamma) p_now)`: a mixture of its
   given label, the prediction of the last epoch and the current one. One
   network maps the loss to y to `beta`, another the loss to `p_before` to
   `gamma`.
3. Look ahead: compute a step on these targets, but do not keep it; train both
   networks by how the trusted loss after it changes with their parameters.
4. Take the step, with the targets of the trained networks.

Reference: Wu, Shu, Xie, Zhao and Meng, Learning to Purify Noisy Labels via
Meta Soft Label Corrector, AAAI 2021.
"""

import keras
import tensorflow as tf

from noisy_keras.methods.bases import meta_learner
from noisy_keras.methods.bases.meta_learner import MetaLearner
from noisy_keras.methods.bases.meta_learner import MetaLearnerModel
from noisy_keras.methods.bases.meta_learner import WeightNetwork
from noisy_keras.methods.bases.trusted_plan import TrustedPlan
from noisy_keras.ops import losses
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

_RULES = {
    "correct_from": arguments.at_least(0, int),
    **meta_learner.RULES,
    "hard_predictions": arguments.switch,
}
# Weight decay of Adam, as in the released code.
_WEIGHT_DECAY = 1e-4


@keras.saving.register_keras_serializable(package="noisy_keras")
class MSLC(MetaLearnerModel):
    """Meta soft label corrector: learns how to mix labels and predictions.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        correct_from: int, number of epochs of plain training before labels are
            corrected.
        hidden: int >= 1, number of units of each weight network's hidden layer.
        meta_learning_rate: float above 0, learning rate of the weight networks'
            Adam.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        hard_predictions: bool, whether both predictions enter as their top
            class, as in the released code.
        name: str, name of the model.

    Attributes:
        label_trust: `WeightNetwork` of `beta`, from losses `[B]` to weights
            `[B]` in (0, 1).
        memory_trust: `WeightNetwork` of `gamma`, in the same form.
        last_predictions: `SampleTable` `[N, K]`, in 16 bits, the prediction for
            each sample in the epoch before.
        kept: `SampleTable` `[N, 2]`, see `TrustedSetModel`: the share of the
            target that is the given class.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.4))
        >>> model = nk.MSLC("tiny", source, correct_from=5)
        >>> model.compile(nk.MomentumSGD(0.1, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    loss_names = ("loss_labeled", "loss_corrected", "probe_loss", "mean_trust")

    def __init__(
        self,
        networks,
        num_samples,
        correct_from=80,
        hidden=100,
        meta_learning_rate=1e-3,
        view="weak",
        hard_predictions=False,
        name=None,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        self.label_trust = WeightNetwork(hidden)
        self.memory_trust = WeightNetwork(hidden)
        self.learner = MetaLearner(
            [self.label_trust, self.memory_trust],
            meta_learning_rate,
            _WEIGHT_DECAY,
        )
        self.last_predictions = SampleTable(
            self.num_samples,
            self.num_classes,
            storage="float16",
            name="last_predictions",
        )

    def steps(self):
        return {"train": self._train, "correct": self._correct}

    def _train(self, data):
        """Step 1: trains on the given labels."""

        def terms(logits):
            loss = losses.cross_entropy(data["target"], logits)
            return {"loss_labeled": tf.reduce_mean(loss)}

        predictions = tf.nn.softmax(self.descend_on(data, terms))
        self.last_predictions.write(data["index"], predictions)
        self.remember(data, predictions)

    def _correct(self, data):
        """Steps 2 to 4: trains on corrected labels."""
        images = tf.cast(data["images"], tf.float32)
        seen = {}

        def terms():
            theta = self.parameters()
            logits, tape, recorded = self.recorded(theta, images)
            with tape:
                log_p = tf.nn.log_softmax(recorded)
            targets = self._targets(data, recorded)
            # Step 3.
            self.train_learner(theta, tape, log_p, targets, data)
            # Step 4.
            corrected = tf.stop_gradient(targets())
            seen.update(logits=logits, corrected=corrected)
            loss = losses.cross_entropy(corrected, logits)
            return {"loss_corrected": tf.reduce_mean(loss)}

        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        predictions = tf.nn.softmax(seen["logits"])
        kept = tf.gather(seen["corrected"], data["label"], batch_dims=1)
        self._means["mean_trust"].update_state(tf.reduce_mean(kept))
        self.last_predictions.write(data["index"], predictions)
        self.remember(data, predictions, kept=kept)

    def _targets(self, data, logits):
        """Step 2: a function that computes the targets `[B, K]`."""
        given = data["target"]
        now = tf.stop_gradient(tf.nn.softmax(logits))
        before = self.last_predictions.read(data["index"])
        # A sample that no step has seen has no prediction yet.
        known = tf.reduce_sum(before, axis=1, keepdims=True) > 0.0
        before = tf.where(known, before, now)
        if self.hard_predictions:
            before, now = _top_class(before), _top_class(now)
        loss = losses.cross_entropy(given, logits)
        memory_loss = losses.cross_entropy(before, logits)

        def targets():
            beta = self.label_trust(loss)[:, None]
            gamma = self.memory_trust(memory_loss)[:, None]
            predicted = gamma * before + (1.0 - gamma) * now
            return beta * given + (1.0 - beta) * predicted

        return targets

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        return _Plan(self, source, batch_size, seed, steps_per_epoch)


def _top_class(predictions):
    top = tf.argmax(predictions, axis=1)
    return tf.one_hot(top, predictions.shape[1])


class _Plan(TrustedPlan):
    """Corrects labels from some epoch on."""

    def phase(self, epoch):
        return "train" if epoch < self.model.correct_from else "correct"
