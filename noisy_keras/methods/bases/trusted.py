"""What methods share that learn with a small trusted set.

The trusted ("probe") samples have right labels, a few per class. They are
dealt beside every training batch, class by class in turn and always in the
same order, so that each probe batch is balanced and its place follows from the
step alone.
"""

import numpy as np
import tensorflow as tf

from noisy_keras import optimizers
from noisy_keras.core import inputs
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.labels import measuring
from noisy_keras.labels.division import LossDivision
from noisy_keras.methods.bases.trusted_plan import TrustedPlan
from noisy_keras.networks import as_networks
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import history_of
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

# Of what a table remembers: a sample is seen about once an epoch.
_MEMORY = 0.9


class TrustedSetModel(NoisyLabelModel):
    """One network that is trained with the help of a trusted set.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        chosen: dict of the method's settings, checked.
        name: of the model.

    Attributes:
        trusted: the `Source` of trusted samples, once `fit` was given one.
        prediction_history: what was predicted for each sample before steps
            on it, in about the last ten epochs: a `PredictionHistory`, or where
            that were large a `LikelyHistory`.
        sample_weight: `SampleTable` `[N, 2]`: the weight in the sample's last
            step, 1 being an even share of its batch, and the mean over about
            ten epochs; -1 before the first.
        kept: `SampleTable` `[N, 2]`: likewise, the trust in its given label.
    """

    default_batch_size = 100

    def __init__(self, networks, num_samples, chosen, name=None):
        super().__init__(as_networks(networks, 1), num_samples, name=name)
        for key, value in chosen.items():
            setattr(self, key, value)
        self.settings = chosen
        self.trusted = None
        self.prediction_history = history_of(
            num_samples, self.num_classes, _MEMORY, name="prediction_history"
        )
        self.label_history = LabelHistory(num_samples, name="label_history")
        self.sample_weight = SampleTable(
            num_samples, 2, initial_value=-1.0, name="sample_weight"
        )
        self.kept = SampleTable(num_samples, 2, initial_value=-1.0, name="kept")
        self.divide = LossDivision()

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        *,
        trusted=None,
        **kwargs,
    ):
        """Trains the model: see `noisy_keras.core.training.fit`.

        Args:
            x: as there.
            y: as there.
            batch_size: as there.
            epochs: as there.
            trusted: `Source` (or a tuple of images and labels) of samples
                whose labels are right, at least one of each class; seen in
                the views of `x`, whatever its own augmentation. Samples that
                are also in `x` are not trained on there: the same pictures in
                memory; the same files; records, and files beside arrays, of
                the same id. Pictures that are files or records are read when a
                step needs them, and may be more than memory holds. May be left
                out where an earlier `fit` had it, or `x` deals it.
            **kwargs: as there.

        Raises:
            ValueError: no trusted set, or one that lacks a class or does not
                fit the model; or one beside batches that have their own.
        """
        own_batches = inputs.yields_batches(self, x)
        if trusted is not None:
            if isinstance(x, tf.data.Dataset) and own_batches:
                raise ConfigurationError(
                    "Expected no `trusted` beside a dataset of a phase's "
                    "batches, which holds its own trusted samples. Received: "
                    f"trusted={type(trusted).__name__}"
                )
            self.trusted = self._checked(trusted)
        elif self.trusted is None and not own_batches:
            raise ConfigurationError(
                f"Expected `trusted`: {type(self).__name__} learns from a "
                "small set with right labels. `trusted` may be a source or "
                "(images, labels); `train, trusted = source.split(trusted=10)` "
                "takes 10 per class out of a source. Received: trusted=None"
            )
        return super().fit(x, y, batch_size=batch_size, epochs=epochs, **kwargs)

    def compile(self, optimizer=None, *args, **kwargs):
        optimizer = optimizers.prepared(optimizer, self.networks)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        each = getattr(inner, "gradient_accumulation_steps", None)
        if (each or 1) > 1:
            raise ConfigurationError(
                "Expected an optimizer that moves the weights in every step, "
                "which means of weights and looks ahead count on; a larger "
                f"`batch_size` does the same. Received: "
                f"gradient_accumulation_steps={each}"
            )
        super().compile(optimizer, *args, **kwargs)

    def _checked(self, trusted):
        if isinstance(trusted, (list, tuple)) and len(trusted) == 2:
            trusted = inputs.as_source(self, *trusted)
        if not inputs.is_source(trusted):
            raise ConfigurationError(
                "Expected `trusted` to be a source or (images, labels). "
                f"Received: {type(trusted).__name__}"
            )
        inputs.check_source(self, trusted)
        counts = np.bincount(trusted.labels, minlength=self.num_classes)
        missing = [
            str(name)
            for name, count in zip(trusted.class_names, counts, strict=True)
            if count == 0
        ]
        if missing:
            raise ConfigurationError(
                "Expected trusted samples of every class. Received: none of "
                f"{abbreviated(missing)}"
            )
        return trusted

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        return TrustedPlan(self, source, batch_size, seed, steps_per_epoch)

    # For the steps.

    def parameters(self):
        """The network's trainable weights, as tensors."""
        return [
            tf.convert_to_tensor(v.value)
            for v in self.networks[0].trainable_variables
        ]

    def forward(self, parameters, images, network=None):
        """Logits in training mode; moving statistics stay as they are.

        Args:
            parameters: list of tensors.
            images: `[B, H, W, C]`.
            network: a copy of the network at another precision, or None. What
                does not train, frozen layers among it, is the network's.
        """
        held = self.networks[0].non_trainable_variables
        network = network or self.networks[0]
        state = [v.value for v in held]
        outputs, _ = network.stateless_call(
            parameters, state, images, training=True
        )
        return outputs["logits"]

    def learn(self, parameters, images):
        """As `forward`; moving statistics learn from the images."""
        return self.learn_outputs(parameters, images)["logits"]

    def learn_outputs(self, parameters, images):
        """As `learn`, all that the network returns."""
        network = self.networks[0]
        held = network.non_trainable_variables
        outputs, state = network.stateless_call(
            parameters, [v.value for v in held], images, training=True
        )
        for variable, value in zip(held, state, strict=True):
            variable.assign(value)
        return outputs

    def remember(self, data, predictions, weights=None, kept=None):
        """Notes in the tables what a step made of its samples.

        Args:
            data: fields of a batch, with `index` and `label` `[B]`.
            predictions: `[B, K]`, distributions.
            weights: `[B]`, an even share being 1; or None.
            kept: `[B]` in `[0, 1]`; or None.
        """
        index = data["index"]
        self.prediction_history.add(index, predictions)
        self.label_history.add(index, predictions, data["label"])
        for table, values in (
            (self.sample_weight, weights),
            (self.kept, kept),
        ):
            if values is None:
                continue
            old = table.read(index)[:, 1]
            # As the history of predictions counts: few values count alike.
            mean = old + (values - old) / self.prediction_history.weight(index)
            mean = tf.where(old < 0.0, values, mean)
            table.write(index, tf.stack([values, mean], axis=1))

    # For the audit.

    @property
    def evidence(self):
        seen = self.prediction_history.seen().sum() >= 2
        return "cross_epoch_history" if seen else super().evidence

    def clean_probabilities(self, measurement, source):
        known = self.known_clean_probability(source)
        if known is not None:
            return known
        loss = measuring.normalized(measurement.loss)
        return self.divide(loss, np.ones_like(loss))[:, 0]

    def known_clean_probability(self, source):
        """By what was predicted for each sample before steps on it.

        A sample that no step has shown counts as clean.
        """
        seen = self.prediction_history.seen()
        loss = self._remembered_loss(source)
        if loss is None:
            return None
        clean = np.ones(self.num_samples, np.float32)
        clean[seen] = self.divide(loss[seen], np.ones_like(loss[seen]))[:, 0]
        return clean

    def loss_divisions(self, source):
        """The losses `[N]` that the audit divides, and their mixture.

        NaN are losses of samples that no step has shown.
        """
        loss = self._remembered_loss(source)
        if loss is None:
            return []
        seen = self.prediction_history.seen()
        [(_, mixture)] = self.divide.fitted(loss[seen])
        return [(loss[:, 0], mixture)]

    def _remembered_loss(self, source):
        """Normalised losses `[N, 1]`, NaN where not seen; None without any."""
        seen = self.prediction_history.seen()
        if seen.sum() < 2:
            return None
        loss = self.prediction_history.loss(source.labels)[:, None]
        loss[seen] = measuring.normalized(loss[seen])
        return loss

    def suggest(self, measurement):
        seen = self.prediction_history.seen()
        likely = self.prediction_history.best()
        return tuple(
            np.where(seen, known, measured)
            for known, measured in zip(
                likely, super().suggest(measurement), strict=True
            )
        )

    def get_config(self):
        config = super().get_config()
        del config["plugins"]  # It takes none.
        return {**config, **self.settings}
