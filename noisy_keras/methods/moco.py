"""MoCo (He et al., CVPR 2020): features from images alone, in small batches.

1. A view is told from a queue of earlier views, not from its batch, so that
   there are many of them however small the batch is.
2. Those in the queue, the keys, come from a second network that follows the
   first slowly: old keys still agree with new ones.
3. With MoCo v2 (Chen et al., 2020): a perceptron between features and loss,
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

    Differs from the authors' code in how a query is kept from finding its key
    by the statistics of their common batch. Theirs shuffles batches between
    GPUs; here keys are normalised by running means, which are averaged as the
    weights are (EMAN, Cai et al., CVPR 2021), so that one device does. And the
    queue begins empty, not with random directions; until it is full, the loss
    counts fewer keys and so is lower.

    Keys must hardly change while they are in the queue, or a view is told from
    them by their age: the loss then ends at `log(Q + 1)`, where all views are
    alike. If it does, raise `key_momentum` or lower the learning rate.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        temperature: t > 0, of the loss.
        projection_size: d, of what the loss compares.
        hidden_size: of the projection head's hidden layer; None takes the
            embedding's size, 0 (as MoCo v1) does without.
        queue_size: Q, keys to be told from; at least a global batch. More than
            N would hold keys of the image itself.
        key_momentum: m in `[0, 1)`, of the network that makes keys.
        view: one of `noisy_keras.data.VIEWS`, drawn twice per image.

    Attributes:
        queue: `FeatureQueue` `[Q, d]`, the last keys.
        key_encoder, key_head: `WeightAverage`s of network and head.

    Example:
        >>> source = nk.data.load("digits")
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.MoCo(network, source.num_samples, queue_size=512)
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
        chosen = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        self.queue = FeatureQueue(queue_size, projection_size, name="queue")
        self.key_encoder = WeightAverage(
            self.encoder, key_momentum, statistics=True, name="key_encoder"
        )
        self.key_head = WeightAverage(self.head, key_momentum, name="key_head")
        self.built = True

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
        # The newest keys take the place of the oldest.
        self.queue.push(keys)

    def _keys(self, images):
        images = tf.cast(images, tf.float32)
        embedding = self.key_encoder.network(images, training=False)
        keys = self.key_head.network(embedding["embedding"], training=False)
        return tf.math.l2_normalize(keys, axis=1)

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        if not int(self.optimizer.iterations.numpy()):
            # The network may have been given weights since.
            self.key_encoder.start(self.encoder)
            self.key_head.start(self.head)
            # Keys of an earlier training are another network's.
            self.queue.clear()
        return super().make_plan(source, batch_size, seed, steps_per_epoch)

    def check_batch(self, batch_size):
        if not 1 <= batch_size <= self.queue_size:
            raise ConfigurationError(
                "Expected a batch size of at most that of the queue, "
                f"{self.queue_size}. Received: batch_size={batch_size}"
            )
