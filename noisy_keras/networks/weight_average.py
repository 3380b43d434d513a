"""Exponential moving average of a network's weights."""

import keras
import tensorflow as tf

from noisy_keras import networks as networks_module


@keras.saving.register_keras_serializable(package="noisy_keras")
class WeightAverage(keras.layers.Layer):
    """Network whose weights are an exponential moving average of another's.

    `s <- d s + (1 - d) w`, where w are the trained weights. At step t, `d =
    min(decay, (1 + t) / (10 + t))`, which reduces the influence of the initial
    weights, as `ExponentialMovingAverage` of TensorFlow does; without a step, d
    is `decay`. Moving statistics of normalisation are copied unless
    `statistics` is set.

    Args:
        network: `keras.Model`, the network that is trained.
        decay: float in `[0, 1)`, largest decay d.
        statistics: bool, whether moving statistics are averaged as well.
        **kwargs: arguments of `keras.layers.Layer`.

    Attributes:
        network: `keras.Model`, the average, for inference.
    """

    def __init__(self, network, decay, statistics=False, **kwargs):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.decay = float(decay)
        self.statistics = bool(statistics)
        self.network = networks_module.reinitialized(network)
        # Neither normalisation nor an optimizer may change the average.
        self.network.trainable = False
        self.network.set_weights(network.get_weights())
        self.built = True

    def start(self, network):
        """Copies the weights of the trained network.

        Args:
            network: `keras.Model`, the network that is trained.
        """
        self.network.set_weights(network.get_weights())

    def update(self, network, step=None):
        """Updates the average after a step of the optimizer.

        Args:
            network: `keras.Model`, the network that is trained.
            step: int scalar tensor, number t of steps before this one, from 0;
                None applies `decay` itself.
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
            # Assigned inside a replica, without aggregation, because all
            # replicas compute the same value; see `SampleTable.write`.
            tf.raw_ops.AssignVariableOp(resource=old.value.handle, value=value)
