"""Cross-entropy on the given labels: the baseline, and the plainest host.

1. Minimise the cross-entropy to the given labels; nothing else. Networks learn
   clean labels first and memorise wrong ones later, so the last epoch is worse
   than the best: that gap is what the other methods close.
2. As a host of a plug-in (SANM), only the plug-in's views enter the loss, after
   a warm-up on the images themselves (SANM Algorithm 1).
3. What the network predicted for each sample *before* it was trained on it is
   summed over epochs, so that even this method can tell suspect labels.
"""

import keras
import tensorflow as tf

from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.core.plugin import Views
from noisy_keras.data import augment
from noisy_keras.labels import measuring
from noisy_keras.labels.division import LossDivision
from noisy_keras.networks import as_networks
from noisy_keras.ops import losses
from noisy_keras.ops import random
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import history_of
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

_RULES = {
    "warmup_epochs": arguments.at_least(0, int),
    "view": arguments.one_of(*augment.VIEWS),
    "keep_clean_view": arguments.switch,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class CrossEntropy(NoisyLabelModel):
    """Cross-entropy on the given labels.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        plugins: `StepPlugin`s, such as `AdversarialNoisyMasking`.
        warmup_epochs: epochs before plug-ins join; without plug-ins unused.
        view: the view to train on, one of `noisy_keras.data.VIEWS`.
        keep_clean_view: whether, beside a plug-in's views, the image itself
            also enters the loss (the mean of both). SANM's Algorithm 1 does
            not have it.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.CrossEntropy(network, source.num_samples)
        >>> model.compile()
        >>> history = model.fit(source, epochs=10, verbose=0)

    Reference: the "CE" rows of every table in the field.
    """

    default_batch_size = 128
    loss_names = ("loss_labeled",)

    def __init__(
        self,
        networks,
        num_samples,
        plugins=(),
        warmup_epochs=10,
        view="weak",
        keep_clean_view=False,
        name=None,
    ):
        chosen = arguments.checked(_RULES, locals())
        super().__init__(
            as_networks(networks, 1), num_samples, plugins, name=name
        )
        for key, value in chosen.items():
            setattr(self, key, value)
        self.settings = chosen
        self.prediction_history = history_of(
            num_samples, self.num_classes, name="prediction_history"
        )
        self.label_history = LabelHistory(num_samples, name="label_history")
        # All clean until divided: SANM then hides least.
        self.clean_probability = SampleTable(
            num_samples, 1, initial_value=1.0, name="clean_probability"
        )
        self.divide = LossDivision()
        self.built = True

    def steps(self):
        return {"train": self._train, "plugin": self._train_with_plugins}

    def _train(self, data):
        images = tf.cast(data["images"], tf.float32)
        outputs = {}

        def terms():
            outputs.update(self.networks[0](images, training=True))
            loss = losses.cross_entropy(data["target"], outputs["logits"])
            return {"loss_labeled": tf.reduce_mean(loss)}

        self.descend(0, terms, data["label"], logits=lambda: outputs["logits"])
        self._remember(data, outputs["logits"])

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
                    tf.reduce_mean(
                        losses.cross_entropy(view.targets, out["logits"])
                    )
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
        self._remember(data, outputs["logits"])

    def _remember(self, data, logits):
        self.prediction_history.add(data["index"], tf.nn.softmax(logits))
        self.label_history.add(data["index"], logits, data["label"])

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    @property
    def evidence(self):
        seen = self.prediction_history.seen().all()
        return "cross_epoch_history" if seen else super().evidence

    def clean_probabilities(self, measurement, source):
        known = self.known_clean_probability(source)
        if known is not None:
            return known
        loss = measuring.normalized(measurement.loss)
        return self.divide(loss, self.clean_probability.numpy())[:, 0]

    def known_clean_probability(self, source):
        """From the predictions made before each step, averaged over epochs."""
        loss = self._remembered_loss(source)
        if loss is None:
            return None
        clean = self.divide(loss, self.clean_probability.numpy())[:, 0]
        margin = self.prediction_history.margin(source.labels)
        return measuring.credibility(clean, margin)

    def loss_divisions(self, source):
        """The losses `[N]` that the audit divides, and their mixture."""
        return self.divide.fitted(self._remembered_loss(source))

    def _remembered_loss(self, source):
        if not self.prediction_history.seen().all():
            return None
        loss = self.prediction_history.loss(source.labels)
        loss = measuring.above_easiest(loss, source.labels)
        return measuring.normalized(loss[:, None])

    def suggest(self, measurement):
        if not self.prediction_history.seen().all():
            return super().suggest(measurement)
        return self.prediction_history.best()

    def get_config(self):
        return {**super().get_config(), **self.settings}


class _Plan(OneRoundPlan):
    """Divides before the epochs of plug-ins that ask for it."""

    def phase(self, epoch):
        return "plugin" if self._with_plugins(epoch) else "train"

    def begin_epoch(self, epoch):
        model = self.model
        if self._with_plugins(epoch) and any(
            plugin.needs_division for plugin in model.plugins
        ):
            loss = measuring.measure(model, self.source).loss
            model.clean_probability.assign(
                model.divide(
                    measuring.normalized(loss), model.clean_probability.numpy()
                )
            )

    def _with_plugins(self, epoch):
        return bool(self.model.plugins) and epoch >= self.model.warmup_epochs
