"""The base of methods that learn with a small trusted set.

The trusted samples, which papers also call probe or meta samples, have right
labels, a few per class. As many of them as there are training samples come with
each batch, in an order in which the classes alternate, and which is the same in
all runs: each batch of them is balanced, and its samples follow from the number
of the step alone.
"""

import numpy as np
import tensorflow as tf

from noisy_keras import optimizers
from noisy_keras.core import inputs
from noisy_keras.core import sample_weights
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.labels.cross_epoch import CrossEpochHistory
from noisy_keras.methods.bases.trusted_plan import TrustedPlan
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError

# Decay of what the tables remember: a sample is seen about once per epoch.
_DECAY = 0.9


class TrustedSetModel(NoisyLabelModel):
    """One network that is trained with the help of a trusted set.

    Args:
        networks: as of `NoisyLabelModel`, for one network.
        num_samples: as of `NoisyLabelModel`.
        settings: dict of the method's own arguments, checked.
        name: str, name of the model.

    Attributes:
        trusted: the `Source` of trusted samples, once `fit` was given one.
        prediction_history: `PredictionHistory`, the predictions for each sample
            before each step on it, over about the last ten epochs: see
            `NoisyLabelModel.keep_history`.
        sample_weight: `SampleTable` `[N, 2]`: the weight in the sample's last
            step, 1 being an even share of its batch, and the mean over about
            ten epochs; -1 before the first.
        kept: `SampleTable` `[N, 2]`: the trust in its given label in `[0, 1]`,
            in the sample's last step and its mean; -1 before the first.
    """

    refuses_sample_weight = (
        "learns from trusted samples how much each of the others counts"
    )
    default_batch_size = 100
    network_count = 1
    audit_strategy = CrossEpochHistory(by_class=False, complete=False)

    def __init__(self, networks, num_samples, settings, name=None):
        super().__init__(networks, num_samples, name=name, settings=settings)
        self.trusted = None
        self.keep_history(_DECAY)
        self.sample_weight = SampleTable(
            self.num_samples, 2, initial_value=-1.0, name="sample_weight"
        )
        self.kept = SampleTable(
            self.num_samples, 2, initial_value=-1.0, name="kept"
        )

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
            x: training data: a `Source`, or one of the other forms of
                `noisy_keras.core.training.fit`.
            y: labels where `x` is an array of images, else None.
            batch_size: int, number of samples in a step over all replicas;
                default: the method's.
            epochs: int, number of the epoch at which training ends.
            trusted: `Source` of trusted samples, or a tuple of images and
                labels, at least one of each class. They are seen in the views
                of `x`, whatever their own augmentation is. Training samples
                that are also trusted samples are left out of training: the
                same images in memory; the same files; records, and files beside
                arrays, of the same id. Images in files or records are read
                when a step needs them, and may be more than memory holds. It
                may be left out where an earlier `fit` had it, or where `x`
                yields batches itself.
            **kwargs: further arguments of `noisy_keras.core.training.fit`.

        Raises:
            ConfigurationError: no trusted set, one that lacks a class or does
                not fit the model, or one beside batches that have their own.
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
        """As `NoisyLabelModel.compile`.

        Raises:
            ConfigurationError: as there, and for gradient accumulation.
        """
        optimizer = optimizers.prepared(optimizer, self.networks)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        each = getattr(inner, "gradient_accumulation_steps", None)
        if (each or 1) > 1:
            raise ConfigurationError(
                "Expected an optimizer that changes the weights in every step, "
                "as averages of weights and look-aheads need it; a larger "
                f"`batch_size` has the same effect. Received: "
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
        sample_weights.check(trusted, "takes none", "`trusted`")
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
        """The network's trainable weights, as a list of tensors."""
        return [
            tf.convert_to_tensor(v.value)
            for v in self.networks[0].trainable_variables
        ]

    def forward(self, parameters, images, network=None):
        """Computes logits in training mode; moving statistics do not change.

        Args:
            parameters: list of tensors, as of `parameters`.
            images: `[B, H, W, C]`.
            network: copy of the network at another precision, or None. What
                does not train, frozen layers included, is the network's.

        Returns:
            float32 `[B, K]`.
        """
        held = self.networks[0].non_trainable_variables
        network = network or self.networks[0]
        state = [v.value for v in held]
        outputs, _ = network.stateless_call(
            parameters, state, images, training=True
        )
        return outputs["logits"]

    def learn(self, parameters, images):
        """As `forward`, but moving statistics are updated."""
        return self.learn_outputs(parameters, images)["logits"]

    def learn_outputs(self, parameters, images):
        """As `learn`; returns all outputs of the network, a dict."""
        network = self.networks[0]
        held = network.non_trainable_variables
        outputs, state = network.stateless_call(
            parameters, [v.value for v in held], images, training=True
        )
        for variable, value in zip(held, state, strict=True):
            variable.assign(value)
        return outputs

    def remember(self, data, predictions, weights=None, kept=None):
        """Writes the results of a step for its samples to the tables.

        Args:
            data: dict, a batch with `index` and `label`, int `[B]`.
            predictions: float `[B, K]`, distributions.
            weights: float `[B]`, the samples' weights, 1 being an even share;
                or None.
            kept: float `[B]` in `[0, 1]`, the trust in given labels; or None.
        """
        super().remember(data, predictions)
        index = data["index"]
        for table, values in (
            (self.sample_weight, weights),
            (self.kept, kept),
        ):
            if values is None:
                continue
            old = table.read(index)[:, 1]
            # Weighted as in the history: of few values, all count alike.
            mean = old + (values - old) / self.prediction_history.weight(index)
            mean = tf.where(old < 0.0, values, mean)
            table.write(index, tf.stack([values, mean], axis=1))
