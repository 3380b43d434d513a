"""SimCLR (Chen et al., ICML 2020): features from images alone.

1. Two random views of an image attract each other, and repel all other images
   of the batch: the normalised temperature-scaled cross-entropy (NT-Xent).
2. Strong views: crops of any size, changed colours, grey. Two views should have
   nothing in common but the object.
3. A small perceptron between features and loss, discarded afterwards, keeps
   the features from losing what the loss does not need.

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

    Under a strategy the negatives of an image are those of all replicas: their
    projections are gathered, and the gradient is that of the global batch.
    Batch normalisation remains that of each replica.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        temperature: float above 0, temperature t of the loss.
        projection_size: int, width d of the vectors that the loss compares.
        hidden_size: int, number of units of the projection head's hidden layer;
            None takes the embedding's width, 0 has no such layer.
        view: view that is drawn twice per image: one of `nk.data.VIEWS`, a
            Keras layer, or a function of images and a seed, see
            `nk.data.Source.view`.
        name: str, name of the model.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits")
        >>> model = nk.SimCLR("tiny", source)
        >>> model.compile(nk.MomentumSGD(0.3, weight_decay=1e-4))
        >>> history = model.fit(source, epochs=20, batch_size=128, verbose=0)
        >>> started = nk.networks.warm_started(model.encoder)
        >>> host = nk.CrossEntropy(started, source)

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
        settings = arguments.checked(self_supervised.RULES, locals())
        super().__init__(networks, num_samples, settings, name)

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
