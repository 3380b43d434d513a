"""Training the classifier alone first, for fine-tuning."""

import keras

from noisy_keras.networks import freezing
from noisy_keras.utils import arguments

_RULES = {"epochs": arguments.at_least(0, int)}


class FreezeBackbone(keras.callbacks.Callback):
    """Trains the classifier alone in the first epochs, then the whole network.

    A new classifier has random weights, whose gradients would change those of
    a pretrained backbone before they mean anything. While it is frozen, the
    backbone costs no gradients, and its batch statistics stay as they are. Two
    traces of a step are made, one for each part of the training.

    It has no state: a training that goes on after an interruption needs the
    same callback again.

    Args:
        epochs: int >= 0, number of epochs in which the backbone is frozen; of
            a recipe, in each phase that trains a classifier.

    Raises:
        ConfigurationError: a negative number; when training begins, networks
            with random weights.

    Example:
        >>> source = nk.data.load("digits")
        >>> network = nk.networks.build("tiny", source)
        >>> network = nk.networks.warm_started(network)
        >>> model = nk.CrossEntropy(network, source)
        >>> model.compile(nk.MomentumSGD(0.02, backbone_rate=0.1))
        >>> history = model.fit(
        ...     source,
        ...     epochs=2,
        ...     callbacks=[nk.callbacks.FreezeBackbone(1)],
        ...     verbose=0,
        ... )
    """

    def __init__(self, epochs):
        super().__init__()
        given = arguments.checked(_RULES, {"epochs": epochs})
        self.epochs = given["epochs"]

    def on_train_begin(self, logs=None):
        if self.epochs and self.model.predicts_classes:
            freezing.check(self.model.networks)

    def on_epoch_begin(self, epoch, logs=None):
        own = epoch - self.model.first_epoch  # Recipes count over all phases.
        self._freeze(own < self.epochs and self.model.predicts_classes)

    def on_train_end(self, logs=None):
        self._freeze(False)

    def _freeze(self, frozen):
        if frozen != self.model.backbone_frozen:
            self.model.backbone_frozen = frozen
            self.model.train_function = None  # To be traced anew.
