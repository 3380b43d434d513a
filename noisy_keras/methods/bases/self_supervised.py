"""What methods share that learn features without any label."""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras import features
from noisy_keras.core import inputs
from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data import augment
from noisy_keras.features import neighbors
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.networks import as_networks
from noisy_keras.networks import build_projection
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

#: Rules of the settings that all of them have.
RULES = {
    "temperature": arguments.within(0.0, float("inf"), "()"),
    "projection_size": arguments.at_least(1, int),
    "hidden_size": arguments.optional(arguments.at_least(0, int)),
    "view": arguments.one_of(*augment.VIEWS),
}

_INSTEAD = (
    "`nk.callbacks.NearestNeighbors(source, {'validation': ...})` says how "
    "well its features tell classes apart."
)


class SelfSupervisedModel(NoisyLabelModel):
    """One network that learns from two random views of each image.

    Labels take no part in training: no batch holds any. What is learnt is
    `encoder`, of which `nk.networks.warm_started` makes the start of any
    other method. As a model it maps images to embeddings, float32 `[B, E]`;
    `label_audit` says what the nearest neighbours of each sample vote for.

    Args:
        networks: one network (or a list of one). Its classifier stays as it
            is.
        num_samples: N.
        chosen: dict of the method's settings, checked.
        name: of the model.

    Attributes:
        head: the projection head beside the network.
    """

    default_batch_size = 512
    loss_names = ("contrastive",)

    def __init__(self, networks, num_samples, chosen, name=None):
        super().__init__(as_networks(networks, 1), num_samples, name=name)
        for key, value in chosen.items():
            setattr(self, key, value)
        self.settings = chosen
        width = self.encoder.output["embedding"].shape[-1]
        hidden = width if self.hidden_size is None else self.hidden_size
        self.head = build_projection(width, hidden, self.projection_size)

    @property
    def encoder(self):
        """The network: an ordinary `keras.Model`, which can be saved."""
        return self.networks[0]

    def call(self, images, training=False):
        """Embeddings: float32 `[B, E]`, the network in inference mode."""
        images = tf.cast(images, tf.float32)
        outputs = self.encoder(images, training=training)
        return tf.cast(outputs["embedding"], tf.float32)

    def project(self, images):
        """What the loss compares: float32 `[B, d]`, in training mode."""
        images = tf.cast(images, tf.float32)
        embedding = self.encoder(images, training=True)["embedding"]
        return self.head(embedding, training=True)

    def trainable_beside(self, k):
        return [*super().trainable_beside(k), *self.head.trainable_variables]

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        self.check_batch(batch_size)
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    def check_batch(self, batch_size):
        """Raises unless the method can learn from batches of a size."""
        if batch_size < 2:
            raise ConfigurationError(
                "Expected batches of at least 2 images, because an image "
                "alone has no other to be told from. Received: "
                f"batch_size={batch_size}"
            )

    def compile(self, optimizer=None, loss=None, metrics=(), **options):
        """As `NoisyLabelModel.compile`; without metrics, which need labels."""
        if metrics:
            raise ConfigurationError(
                f"Expected no `metrics`: {type(self).__name__} predicts no "
                f"classes. {_INSTEAD} Received: metrics={metrics!r}"
            )
        super().compile(optimizer, loss, metrics=(), **options)

    def fit(self, x=None, y=None, **options):
        """As of every method, but for `validation_data`.

        The last batch of an epoch is left out where it would be smaller.

        Raises:
            ValueError: as of every method, and for `validation_data`.
        """
        if options.get("validation_data") is not None:
            raise ConfigurationError(
                "Expected no `validation_data`: "
                f"{type(self).__name__} predicts no classes. {_INSTEAD}"
            )
        return super().fit(x, y, **options)

    def evaluate(self, *args, **kwargs):
        """Not possible: there are no classes to be right about."""
        raise ConfigurationError(
            f"Expected `label_audit` or `predict`: {type(self).__name__} "
            f"predicts no classes. {_INSTEAD}"
        )

    def predict(self, x, batch_size=None, **kwargs):
        """Embeddings, float32 `[N, E]`; `x` may also be a source."""
        return super().predict(x, batch_size=batch_size, **kwargs)

    def export(self, filepath, format="tf_saved_model", **options):
        """As `keras.Model.export`: images to embeddings.

        Args:
            filepath: folder of the SavedModel.
            format: of the artefact.
            **options: as of Keras.
        """
        # Keras asks for a model that has been called; training does not call.
        self(tf.zeros([1, *self.image_shape]))
        signature = [keras.InputSpec("float32", (None, *self.image_shape))]
        options.setdefault("input_signature", signature)
        return keras.Model.export(self, filepath, format=format, **options)

    def label_audit(self, source, batch_size=None):
        """Which labels the neighbours of a sample do not share.

        The nearest by cosine similarity of embeddings, of at most 20,000
        samples evenly spread, vote for their given labels, never for their
        own sample's. The clean probability is the votes for the given label
        in relation to those for the most voted, and the confidence the share
        of the latter.

        Args:
            source: the `Source` that the model was fitted on.
            batch_size: of the prediction pass.

        Returns:
            A `LabelAudit`.
        """
        inputs.check_source(self, source, training=True)
        batch_size = batch_size or inputs.EVALUATION_BATCH_SIZE
        rows = features.compute(source, self.encoder, batch_size=batch_size)
        voters = neighbors.spread(source.num_samples, neighbors.MOST)
        own = np.full(source.num_samples, -1)
        own[voters] = np.arange(len(voters))
        share = neighbors.vote(
            rows[voters],
            source.labels[voters],
            source.num_classes,
            queries=rows,
            own=own,
        )
        given = np.take_along_axis(share, source.labels[:, None], axis=1)
        most = share.max(axis=1)
        return LabelAudit(
            ids=source.ids,
            given_label=source.labels,
            suggested_label=share.argmax(axis=1).astype(np.int32),
            clean_probability=given[:, 0] / most,
            confidence=most,
            class_names=source.class_names,
            paths=source.paths,
            true_label=source.true_labels,
            foreign=source.foreign,
            evidence="nearest_neighbors",
        )

    def get_config(self):
        config = super().get_config()
        del config["plugins"]  # It takes none.
        return {**config, **self.settings}


class _Plan(OneRoundPlan):
    """Two views of each image, and no label."""

    def count_steps(self, steps_per_epoch):
        # An image must not be twice in a batch: it would be its own negative.
        steps = len(self.indices) // self.batch_size
        self.steps = min(steps, steps_per_epoch or steps)

    def make_batch(self, row):
        index = row["index"]
        views = self._view(self.source.fetch_with_margin(index), row["seed"], 2)
        first, second = tf.split(views, 2, axis=0)
        return {"index": index, "first": first, "second": second}
