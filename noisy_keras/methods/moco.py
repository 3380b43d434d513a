"""MoCo (He et al., CVPR 2020): features from images alone, in small batches.

1. The negatives of a view are a queue of earlier views, not its batch, so there
   are many however small the batch is.
2. Those in the queue, the keys, come from a second network that follows the
   first slowly: old keys are consistent with new ones.
3. From MoCo v2 (Chen et al., 2020): a perceptron between features and loss,
   and SimCLR's strong views.
"""

import keras
import tensorflow as tf

from noisy_keras.methods.bases import self_supervised
from noisy_keras.methods.bases.self_supervised import SelfSupervisedModel
from noisy_keras.networks.weight_average import WeightAverage
from noisy_keras.ops import contrastive
from noisy_keras.tables.feature_queue import FeatureQueue
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

_RULES = {
    **self_supervised.RULES,
    "queue_size": arguments.at_least(1, int),
    "key_momentum": arguments.within(0, 1, "[)"),
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class MoCo(SelfSupervisedModel):
    """MoCo v2: momentum contrast.

    Differs from the authors' code in how a query is prevented from recognising
    its key by the statistics of their common batch. That code shuffles batches
    between GPUs; here keys are normalised by moving means, which are averaged
    as the weights are (EMAN, Cai et al., CVPR 2021), so one device suffices.
    And the queue is empty first, instead of holding random directions; until it
    is full, the loss has fewer negatives and is lower.

    Keys must hardly change while they are in the queue, or their age gives them
    away: the loss then ends at `log(Q + 1)`, where all views are mapped to one
    point. If it does, raise `key_momentum` or lower the learning rate.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        temperature: float above 0, temperature t of the loss.
        projection_size: int, width d of the vectors that the loss compares.
        hidden_size: int, number of units of the projection head's hidden layer;
            None takes the embedding's width, 0 (as MoCo v1) has no such layer.
        queue_size: int, number of keys Q; at least a global batch. With more
            than N, the queue would hold keys of the image itself.
        key_momentum: float in [0, 1), momentum m of the network of the keys.
        view: view that is drawn twice per image: one of `nk.data.VIEWS`, a
            Keras layer, or a function of images and a seed, see
            `nk.data.Source.view`.
        name: str, name of the model.

    Attributes:
        queue: `FeatureQueue` `[Q, d]`, the last keys.
        key_encoder: `WeightAverage` of the network.
        key_head: `WeightAverage` of the projection head.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits")
        >>> model = nk.MoCo("tiny", source, queue_size=512)
        >>> model.compile(nk.MomentumSGD(0.06, weight_decay=5e-4))
        >>> history = model.fit(source, epochs=20, batch_size=128, verbose=0)
        >>> started = nk.networks.warm_started(model.encoder)

    Reference: He et al., Momentum Contrast for Unsupervised Visual
    Representation Learning, CVPR 2020, algorithm 1.
    """

    default_batch_size = 256

    def __init__(
        self,
        networks,
        num_samples,
        temperature=0.2,
        projection_size=128,
        hidden_size=None,
        queue_size=4096,
        key_momentum=0.99,
        view="simclr",
        name=None,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        self.queue = FeatureQueue(queue_size, projection_size, name="queue")
        self.key_encoder = WeightAverage(
            self.encoder, key_momentum, statistics=True, name="key_encoder"
        )
        self.key_head = WeightAverage(self.head, key_momentum, name="key_head")

    def normalizing_networks(self):
        return [*super().normalizing_networks(), self.key_encoder.network]

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        # Algorithm 1: keys of the second views, without gradient.
        keys = self._keys(data["second"])
        queue = self.queue.all_rows()

        def terms():
            queries = self.project(data["first"])
            loss = contrastive.info_nce(queries, keys, queue, self.temperature)
            return {"contrastive": loss}

        self.descend(0, terms)
        # The key network follows.
        self.key_encoder.update(self.encoder)
        self.key_head.update(self.head)
        # The newest keys replace the oldest.
        self.queue.push(keys)

    def _keys(self, images):
        images = tf.cast(images, tf.float32)
        embedding = self.key_encoder.network(images, training=False)
        keys = self.key_head.network(embedding["embedding"], training=False)
        return tf.math.l2_normalize(keys, axis=1)

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        if not int(self.optimizer.iterations.numpy()):
            # Weights may have been set since the constructor.
            self.key_encoder.start(self.encoder)
            self.key_head.start(self.head)
            # Keys of an earlier training are those of another network.
            self.queue.clear()
        return super().make_plan(source, batch_size, seed, steps_per_epoch)

    def check_batch(self, batch_size):
        if not 1 <= batch_size <= self.queue_size:
            raise ConfigurationError(
                "Expected a batch size of at most that of the queue, "
                f"{self.queue_size}. Received: batch_size={batch_size}"
            )
