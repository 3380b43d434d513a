"""SimCLR (Chen et al., ICML 2020): features from images alone.

1. Two random views of an image are alike, all other images of the batch are
   not: the normalised temperature-scaled cross-entropy (NT-Xent) says so.
2. Strong views: crops of any size, colours, grey. What can be told without
   knowing the object must not be left in both views.
3. A small perceptron between features and loss, thrown away afterwards, keeps
   the features from forgetting what the loss does not need.

C2D (Zheltonozhskii et al., WACV 2022) starts DivideMix from such an encoder.
"""

import keras
import tensorflow as tf

from noisy_keras.methods.bases import self_supervised
from noisy_keras.methods.bases.self_supervised import SelfSupervisedModel
from noisy_keras.ops import contrastive
from noisy_keras.utils import arguments
from noisy_keras.utils import distribution


@keras.saving.register_keras_serializable(package="noisy_keras")
class SimCLR(SelfSupervisedModel):
    """SimCLR: contrastive learning within large batches.

    Under a strategy an image is told from those of all replicas: their
    projections are gathered, and the gradient is that of the global batch.
    Batch normalisation stays that of each replica.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        temperature: t > 0, of the loss.
        projection_size: d, of what the loss compares.
        hidden_size: of the projection head's hidden layer; None takes the
            embedding's size, 0 does without.
        view: one of `noisy_keras.data.VIEWS`, drawn twice per image.

    Example:
        >>> source = nk.data.load("digits")
        >>> network = nk.networks.build("tiny", source)
        >>> model = nk.SimCLR(network, source.num_samples)
        >>> model.compile(nk.MomentumSGD(0.3, weight_decay=1e-4))
        >>> history = model.fit(source, epochs=20, batch_size=128, verbose=0)
        >>> started = nk.networks.warm_started(model.encoder)
        >>> host = nk.CrossEntropy(started, source.num_samples)

    Reference: Chen et al., A Simple Framework for Contrastive Learning of
    Visual Representations, ICML 2020, algorithm 1.
    """

    def __init__(
        self,
        networks,
        num_samples,
        temperature=0.5,
        projection_size=128,
        hidden_size=None,
        view="simclr",
        name=None,
    ):
        chosen = arguments.checked(self_supervised.RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        self.built = True

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        # Algorithm 1: two views of each image, all first, then all second.
        images = tf.concat([data["first"], data["second"]], axis=0)

        def terms():
            projections = self.project(images)
            loss = contrastive.nt_xent(
                projections,
                self.temperature,
                distribution.all_gather(projections),
                distribution.replica_id() * projections.shape[0],
            )
            return {"contrastive": loss}

        self.descend(0, terms)
