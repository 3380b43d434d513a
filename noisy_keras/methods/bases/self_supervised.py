"""The base of methods that learn features without any label."""

import keras
import tensorflow as tf

from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data import augment
from noisy_keras.methods.bases.nearest_neighbors import NearestNeighbors
from noisy_keras.networks import build_projection
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

#: Rules of the settings that all these methods have.
RULES = {
    "temperature": arguments.within(0.0, float("inf"), "()"),
    "projection_size": arguments.at_least(1, int),
    "hidden_size": arguments.optional(arguments.at_least(0, int)),
    "view": augment.view_rule,
}

_INSTEAD = (
    "`nk.callbacks.NearestNeighbors(source, {'validation': ...})` measures how "
    "well its features separate classes."
)


class SelfSupervisedModel(NoisyLabelModel):
    """One network that learns from two random views of each image.

    Labels take no part in training: no batch holds any. The result is
    `encoder`, from which `nk.networks.warm_started` makes the start of any
    other method. As a model it maps images to embeddings, float32 `[B, E]`;
    `label_audit` compares given labels with those of the nearest neighbours.

    Args:
        networks: as of `NoisyLabelModel`, for one network. Its classifier is
            not trained.
        num_samples: as of `NoisyLabelModel`.
        settings: dict of the method's own arguments, checked.
        name: str, name of the model.

    Attributes:
        head: `keras.Model`, the projection head that is trained beside the
            network.
    """

    default_batch_size = 512
    loss_names = ("contrastive",)
    network_count = 1
    audit_strategy = NearestNeighbors()
    refuses_sample_weight = "compares views of images, and uses no label"
    predicts_classes = False
    needs_pixels = True

    def __init__(self, networks, num_samples, settings, name=None):
        super().__init__(networks, num_samples, name=name, settings=settings)
        width = self.encoder.output["embedding"].shape[-1]
        hidden = width if self.hidden_size is None else self.hidden_size
        self.head = build_projection(width, hidden, self.projection_size)

    @property
    def encoder(self):
        """The network: an ordinary `keras.Model`, which can be saved."""
        return self.networks[0]

    def call(self, images, training=False):
        """Embeddings: float32 `[B, E]`."""
        images = tf.cast(images, tf.float32)
        outputs = self.encoder(images, training=training)
        return tf.cast(outputs["embedding"], tf.float32)

    def project(self, images):
        """Computes what the loss compares, in training mode.

        Args:
            images: `[B, H, W, C]`.

        Returns:
            float32 `[B, d]`.
        """
        images = tf.cast(images, tf.float32)
        embedding = self.encoder(images, training=True)["embedding"]
        return self.head(embedding, training=True)

    def trainable_beside(self, k):
        return [*super().trainable_beside(k), *self.head.trainable_variables]

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        self.check_batch(batch_size)
        return _Plan(self, source, batch_size, seed, steps_per_epoch)

    def check_batch(self, batch_size):
        """Raises unless the method can learn from batches of a size.

        Args:
            batch_size: int, number of images in a batch.

        Raises:
            ConfigurationError: too few or too many images.
        """
        if batch_size < 2:
            raise ConfigurationError(
                "Expected batches of at least 2 images, because a single image "
                "has no other image to differ from. Received: "
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
        """As of every method, but without `validation_data`.

        The last batch of an epoch is left out where it would be smaller.

        Raises:
            ConfigurationError: as of every method, and for `validation_data`.
        """
        given = options.get("validation_data")
        if given is not None:
            raise ConfigurationError(
                "Expected no `validation_data`: "
                f"{type(self).__name__} predicts no classes. {_INSTEAD} "
                f"Received: validation_data of type {type(given).__name__}"
            )
        return super().fit(x, y, **options)

    def evaluate(self, *args, **kwargs):
        """Not possible: the model predicts no classes."""
        raise ConfigurationError(
            f"Expected `label_audit` or `predict`: {type(self).__name__} "
            f"predicts no classes. {_INSTEAD}"
        )

    def predict(self, x, batch_size=None, **kwargs):
        """Embeddings, float32 `[N, E]`; `x` may also be a `Source`."""
        return super().predict(x, batch_size=batch_size, **kwargs)

    def export(self, filepath, format="tf_saved_model", **options):
        """Exports the model from images to embeddings: `keras.Model.export`.

        Args:
            filepath: str, folder of the SavedModel.
            format: str, format of the artefact.
            **options: further options of Keras.
        """
        # Keras needs a model that has been called, which training does not do.
        self(tf.zeros([1, *self.image_shape]))
        signature = [keras.InputSpec("float32", (None, *self.image_shape))]
        options.setdefault("input_signature", signature)
        return keras.Model.export(self, filepath, format=format, **options)


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
