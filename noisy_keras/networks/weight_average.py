"""The running mean of a network's weights, which predicts better than they."""

import keras
import tensorflow as tf

from noisy_keras import networks as networks_module


@keras.saving.register_keras_serializable(package="noisy_keras")
class WeightAverage(keras.layers.Layer):
    """A network whose weights follow those of another slowly.

    `s <- d s + (1 - d) w` with `d = min(decay, (1 + t) / (10 + t))` at step t,
    so that it forgets where it began, or always d = decay where no step is
    told. Moving statistics of normalisation are those of the network itself,
    unless they are to be averaged alike.

    Args:
        network: that is trained.
        decay: d at its largest, in `[0, 1)`.
        statistics: whether moving statistics are averaged too.

    Attributes:
        network: the average, for inference.
    """

    def __init__(self, network, decay, statistics=False, **kwargs):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.decay = float(decay)
        self.statistics = bool(statistics)
        self.network = networks_module.reinitialized(network)
        # Its normalisation must not learn, nor any optimizer train it.
        self.network.trainable = False
        self.network.set_weights(network.get_weights())
        self.built = True

    def start(self, network):
        """Takes the weights of the network as they are."""
        self.network.set_weights(network.get_weights())

    def update(self, network, step=None):
        """Follows the network, after its optimizer's step.

        Args:
            network: that was trained.
            step: t, number of steps before this one, from 0; or None.
        """
        decay = self.decay
        if step is not None:
            step = tf.cast(step, tf.float32)
            decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))
        trained = {id(w) for w in network.trainable_variables}
        for old, new in zip(self.network.weights, network.weights, strict=True):
            value = tf.convert_to_tensor(new.value)
            averaged = self.statistics or id(new) in trained
            if averaged and old.dtype.startswith("float"):
                value = decay * old.value + (1.0 - decay) * value
            # In place and inside a replica, as `SampleTable.write`: all
            # replicas compute the same value.
            tf.raw_ops.AssignVariableOp(resource=old.value.handle, value=value)
