"""How well the classes are predicted after each epoch, rare ones included."""

import keras

from noisy_keras.ops import per_class


class BalancedAccuracy(keras.callbacks.Callback):
    """Adds the balanced accuracy on other samples to the logs of each epoch.

    It is the mean of the recalls of the classes, so that a rare class counts as
    much as a large one: see `noisy_keras.ops.per_class`.

    Args:
        source: `Source` that is not trained on, of N samples.
        name: str, key in the logs.

    Example:
        >>> train, validation = nk.data.load("digits").hold_out(0.1)
        >>> model = nk.CrossEntropy("tiny", train)
        >>> model.compile()
        >>> measure = nk.callbacks.BalancedAccuracy(validation)
        >>> history = model.fit(
        ...     train, epochs=2, callbacks=[measure], verbose=0
        ... )
        >>> len(history.history["val_balanced_accuracy"])
        2
    """

    def __init__(self, source, name="val_balanced_accuracy"):
        super().__init__()
        self.source = source
        self.name = name

    def on_epoch_end(self, epoch, logs=None):
        predicted = self.model.predict(self.source, verbose=0)
        if logs is not None:
            logs[self.name] = per_class.balanced_accuracy(
                predicted.argmax(axis=1),
                self.source.labels,
                self.source.num_classes,
            )
