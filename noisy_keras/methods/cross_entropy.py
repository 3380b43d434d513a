"""Cross-entropy on the given labels: the baseline, and the simplest host.

1. Minimise the cross-entropy to the given labels, or any other Keras loss.
   Networks learn right labels first and memorise wrong ones later, so the last
   epoch is worse than the best: other methods are there to close that gap.
2. As a host of a plug-in (SANM), only the plug-in's views enter the loss, after
   a warm-up on the images themselves (SANM Algorithm 1).
3. What the network predicted for each sample *before* it was trained on it is
   summed over epochs, so that even this method can detect suspect labels.
4. With `correct_from`, labels that this sum contradicts are mixed with it:
   plain training on corrected labels, see `methods.bases.correction`.
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core.plugin import Views
from noisy_keras.data import augment
from noisy_keras.labels import loss_rules
from noisy_keras.labels import measuring
from noisy_keras.labels.cross_epoch import CrossEpochHistory
from noisy_keras.labels.division import LossDivision
from noisy_keras.methods.bases import correction
from noisy_keras.methods.bases import imbalance
from noisy_keras.methods.bases import keras_loss
from noisy_keras.methods.bases.imbalance import BalancedModel
from noisy_keras.methods.bases.imbalance import BalancedPlan
from noisy_keras.ops import losses
from noisy_keras.ops import random
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

_RULES = {
    "warmup_epochs": arguments.at_least(0, int),
    "view": augment.view_rule,
    "keep_clean_view": arguments.switch,
    "loss": keras_loss.rule,
    "correct_from": arguments.optional(arguments.at_least(0, int)),
    **imbalance.RULES,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class CrossEntropy(BalancedModel):
    """Cross-entropy, or any other Keras loss, on the given labels.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: the `Source` to be trained on, or its number of samples N.
        plugins: list of `StepPlugin`s, such as `AdversarialNoisyMasking`.
        warmup_epochs: int, number of epochs before plug-ins are used.
        view: view to train on: one of `nk.data.VIEWS`, a Keras layer, or a
            function of images and a seed, see `nk.data.Source.view`.
        keep_clean_view: bool, whether, beside a plug-in's views, the image
            itself also enters the loss (the mean of both). In SANM's Algorithm
            1 it does not.
        name: str, name of the model.
        loss: None for the cross-entropy; or a Keras loss: a name of
            `keras.losses`, a `keras.losses.Loss`, or a function. It gets
            targets `[B, K]` and probabilities `[B, K]`; logits where its
            `from_logits` is True; integer labels where it takes those. The mean
            over the global batch is minimised.
        correct_from: int, first epoch before which labels are judged, from 0;
            from then on, before each epoch, those that earlier predictions
            contradict are mixed with these. None corrects nothing. With random
            labels, or as long as the predictions are mostly wrong, nothing is
            corrected either.
        class_weight: None; `"balanced"`, which weighs each given class by
            `N / (K n_c)`; or dict from classes to weights of at least 0, as in
            Keras. It multiplies the loss of a sample.
        sampling: str, `"shuffled"`, or `"balanced"`: each given class is shown
            equally often.
        logit_adjustment: None; `"loss"` or `"post_hoc"`: by the logarithms of
            the shares of the given classes, see
            `noisy_keras.methods.bases.imbalance`.
        adjustment_strength: float >= 0, what these are multiplied by, tau.

    Raises:
        ConfigurationError: an argument out of range, or a loss that cannot be
            computed of targets and predictions, or `correct_from` beside
            plug-ins.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.CrossEntropy("tiny", source)
        >>> model.compile()
        >>> history = model.fit(source, epochs=10, verbose=0)
        >>> focal = keras.losses.CategoricalFocalCrossentropy(gamma=2.0)
        >>> model = nk.CrossEntropy("tiny", source, loss=focal)

    Reference: the "CE" rows of every table in the field.
    """

    default_batch_size = 128
    loss_names = ("loss_labeled",)
    network_count = 1
    audit_strategy = CrossEpochHistory()

    def __init__(
        self,
        networks,
        num_samples,
        plugins=(),
        warmup_epochs=10,
        view="weak",
        keep_clean_view=False,
        name=None,
        loss=None,
        correct_from=None,
        class_weight=None,
        sampling="shuffled",
        logit_adjustment=None,
        adjustment_strength=1.0,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, plugins, name, settings)
        if self.correct_from is not None:
            self._check_correction(settings["loss"])
        self._given_loss = settings["loss"]
        self.loss = None  # Keras' own, which `compile` sets.
        if self._given_loss is not None:
            self._given_loss.check(self.num_classes)
            if self.class_weight is not None:
                self._given_loss.check_each(self.num_classes)
            if self._given_loss.sparse and self.plugins:
                raise ConfigurationError(
                    "Expected a loss of soft targets, which the views of "
                    f"plug-ins have. Received: {self._given_loss.loss!r}, "
                    "which takes integer labels"
                )
        self.keep_balance()
        self.keep_history()
        # All clean until divided: SANM then hides least.
        self.clean_probability = SampleTable(
            self.num_samples, 1, initial_value=1.0, name="clean_probability"
        )
        self.divide = LossDivision()

    def _check_correction(self, loss):
        if self.plugins:
            raise ConfigurationError(
                "Expected no plug-ins beside `correct_from`: their views have "
                f"the given labels. Received: {self.plugins}"
            )
        if loss is not None and loss.sparse:
            raise ConfigurationError(
                "Expected a loss of soft targets beside `correct_from`. "
                f"Received: {loss.loss!r}, which takes integer labels"
            )

    def steps(self):
        return {"train": self._train, "plugin": self._train_with_plugins}

    def _train(self, data):
        target = data["target"]
        if self.correct_from is not None:
            target = correction.corrected(self, data["index"], target)

        def terms(logits):
            loss = self._mean_loss(
                target, logits, data["label"], data.get("weight")
            )
            return {"loss_labeled": loss}

        logits = self.descend_on(data, terms)
        self.remember(data, tf.nn.softmax(logits))

    def _train_with_plugins(self, data):
        """SANM Algorithm 1, lines 2-11, for any plug-in that makes views."""
        network, seed = self.networks[0], data["seed"][0]
        images = tf.cast(data["images"], tf.float32)
        clean = self.clean_probability.read(data["index"])[:, 0]
        # Line 3: features and predictions of the images, without gradient.
        outputs = network(images, training=True)
        original = Views(images, data["target"], clean, outputs)
        # Lines 4-5 and 7: masked images and their labels.
        made = [
            (p, p.views(network, original, random.fold_in(seed, number)))
            for number, p in enumerate(self.plugins)
        ]
        copies = [copy for _, views in made for copy in views]
        shown = list(copies)
        if self.keep_clean_view or not copies:
            shown.append(original)

        def terms():
            # Line 6: the network sees the views.
            seen = [network(v.images, training=True) for v in shown]
            # Line 8: cross-entropy to the views' labels.
            loss = tf.add_n(
                [
                    self._mean_loss(view.targets, out["logits"], data["label"])
                    for view, out in zip(shown, seen, strict=True)
                ]
            )
            values = {"loss_labeled": loss / float(len(shown))}
            # Lines 9-10: each plug-in's own term, on the same outputs.
            first = 0
            for plugin, views in made:
                outs = seen[first : first + len(views)]
                first += len(views)
                values[plugin.loss_name] = plugin.loss(
                    0, network, original, views, outputs=outs
                )
            return values

        # Line 11.
        self.descend(0, terms, data["label"], logits=outputs["logits"])
        self.remember(data, tf.nn.softmax(outputs["logits"]))

    def _mean_loss(self, targets, logits, labels, weights=None):
        logits = self.adjusted(logits)
        if self._given_loss is not None:
            loss = self._given_loss.each(targets, logits, labels)
        else:
            loss = losses.cross_entropy(targets, logits)
        if weights is not None:
            loss = weights * loss
        return self.weighted(loss, labels)

    @property
    def refuses_sample_weight(self):
        if self.plugins:
            return "has plug-ins, whose terms of the loss have no weights"
        given = self._given_loss
        if given is not None and not given.per_sample(self.num_classes):
            return "has a loss that is one number for a whole batch"
        return ""

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        self.balance_for(source)
        return _Plan(self, source, batch_size, seed, steps_per_epoch)


class _Plan(BalancedPlan):
    """Judges the samples before epochs that need it."""

    def phase(self, epoch):
        return "plugin" if self._with_plugins(epoch) else "train"

    def begin_epoch(self, epoch):
        model = self.model
        if model.correct_from is not None and epoch >= model.correct_from:
            self._correct()
        elif self._with_plugins(epoch) and any(
            plugin.needs_division for plugin in model.plugins
        ):
            loss = measuring.measure(model, self.source).loss
            model.clean_probability.assign(
                model.divide(
                    loss_rules.normalized(loss), model.clean_probability.numpy()
                )
            )

    def _correct(self):
        model = self.model
        if not model.prediction_history.seen().all():
            return
        found, clean = correction.judge(model, self.source)
        if not correction.helps(found, model.num_classes):
            clean = np.ones_like(clean)
        correction.keep(model, clean)

    def _with_plugins(self, epoch):
        return bool(self.model.plugins) and epoch >= self.model.warmup_epochs
