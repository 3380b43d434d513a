"""What methods share that learn with a small trusted set.

The trusted ("probe") samples have right labels, a few per class. They are
dealt beside every training batch, class by class in turn and always in the
same order, so that each probe batch is balanced and its place follows from the
step alone.
"""

import warnings

import numpy as np
import tensorflow as tf

from noisy_keras.core import inputs
from noisy_keras.core import measuring
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.core.prediction_history import LabelHistory
from noisy_keras.core.prediction_history import history_of
from noisy_keras.core.sample_table import SampleTable
from noisy_keras.data import overlap
from noisy_keras.data.splits import first
from noisy_keras.methods.division import LossDivision
from noisy_keras.methods.one_round import OneRoundSchedule
from noisy_keras.networks import as_networks
from noisy_keras.ops import random

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

    def fit(self, x=None, y=None, trusted=None, **kwargs):
        """Trains the model: see `noisy_keras.core.training.fit`.

        Args:
            x: as there.
            y: as there.
            trusted: `Source` (or a tuple of images and labels) of samples
                whose labels are right, at least one of each class. Samples
                that are also in `x` are not trained on there. Pictures that
                are files or records are read when a step needs them, and may
                be more than memory holds. May be left out where an earlier
                `fit` had it.
            **kwargs: as there.

        Raises:
            ValueError: no trusted set, or one that lacks a class or does not
                fit the model.
        """
        if trusted is not None:
            self.trusted = self._checked(trusted)
        elif self.trusted is None and not callable(x):
            raise ValueError(
                f"Expected `trusted`: {type(self).__name__} learns from a "
                "small set with right labels. `trusted` may be a source or "
                "(images, labels); `train, trusted = source.split(trusted=10)` "
                "takes 10 per class out of a source. Received: trusted=None"
            )
        return super().fit(x, y, **kwargs)

    def _checked(self, trusted):
        if isinstance(trusted, (list, tuple)) and len(trusted) == 2:
            trusted = inputs.as_source(self, *trusted)
        if not inputs.is_source(trusted):
            raise ValueError(
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
            raise ValueError(
                "Expected trusted samples of every class. Received: none of "
                f"{first(missing)}"
            )
        return trusted

    def make_schedule(self, source, batch_size, seed=0, steps_per_epoch=None):
        return TrustedSchedule(self, source, batch_size, seed, steps_per_epoch)

    # For the steps.

    def parameters(self):
        """The network's trainable weights, as tensors."""
        return [
            tf.convert_to_tensor(v.value)
            for v in self.networks[0].trainable_variables
        ]

    def forward(self, parameters, images, network=None):
        """Logits in training mode; moving statistics stay as they are."""
        network = network or self.networks[0]
        state = [v.value for v in network.non_trainable_variables]
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
            mean = _MEMORY * old + (1.0 - _MEMORY) * values
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


class TrustedSchedule(OneRoundSchedule):
    """One round an epoch over all samples, a probe batch beside each batch.

    A batch also has `target` `[B, K]`, `trusted_images` and `trusted_target`
    of the same number, and `strong` images where the model has a
    `strong_view`: of the same weak view, or, where both are named alike,
    another one.
    """

    def __init__(self, model, source, batch_size, seed, steps_per_epoch):
        super().__init__(model, source, batch_size, seed, steps_per_epoch)
        self.trusted = model.trusted
        _check_names(source, self.trusted)
        self._trusted_view = self.trusted.view(model.view)
        self._trusted_order = _in_turn(self.trusted.labels)
        strong = getattr(model, "strong_view", None)
        self._strong_view = strong and source.view(strong)
        # With one seed, equal views would see the same.
        self._strong_seed = 17 if strong == model.view else None
        doubled = overlap.same_pictures(source, self.trusted)
        if doubled:
            warnings.warn(
                f"{len(doubled)} trusted samples are also training samples: "
                "those are left out of training, whatever their labels.",
                stacklevel=2,
            )
            self.indices = np.setdiff1d(self.indices, doubled)
            if not len(self.indices):
                raise ValueError(
                    "Expected samples to train on beside the trusted ones. "
                    f"Received: all {len(doubled)} trusted"
                )
            self.count_steps(steps_per_epoch)

    def sample_choices(self, epoch):
        first = epoch * self.steps * self.batch_size
        places = first + np.arange(self.steps * self.batch_size)
        order = self._trusted_order[places % len(self._trusted_order)]
        order = order.reshape(self.steps, self.batch_size)
        return {"trusted": order.astype(np.int32)}

    def sample_fields(self, index):
        return {"target": self.source.fetch_targets(index)}

    def views(self, images, seed):
        views = super().views(images, seed)
        if self._strong_view:
            if self._strong_seed is not None:
                seed = random.fold_in(seed, self._strong_seed)
            views["strong"] = self._strong_view(images, seed)
        return views

    def _fields(self, row):
        row = dict(row)
        chosen = row.pop("trusted")
        fields = super()._fields(row)
        images = self.trusted.fetch_with_margin(chosen)
        seed = random.fold_in(row["seed"], 16)
        fields["trusted_images"] = self._trusted_view(images, seed)
        fields["trusted_target"] = self.trusted.fetch_targets(chosen)
        return fields


def _check_names(source, trusted):
    """Raises a ValueError where one label stands for two classes."""
    numbers = tuple(map(str, range(source.num_classes)))
    ours, theirs = source.class_names, trusted.class_names
    if ours != theirs and numbers not in (ours, theirs):
        pairs = zip(ours, theirs, strict=True)
        differing = [f"{a} and {b}" for a, b in pairs if a != b]
        raise ValueError(
            "Expected trusted samples of the same classes in the same order "
            "as the training samples. Received, of the training samples and "
            f"of the trusted ones: {first(differing)}"
        )


def _in_turn(labels):
    """Positions, class by class in turn: int `[n]`.

    A class with fewer samples than others comes again, so that any stretch is
    balanced.
    """
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    longest = max(map(len, members))
    return np.stack([np.resize(m, longest) for m in members], axis=1).ravel()
