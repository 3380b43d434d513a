"""The served graph of networks that take features, and proof that it works."""

from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.networks import head
from noisy_keras.serving import graph
from noisy_keras.utils.errors import ConfigurationError

#: Key of a `tf.Example` that `classify` reads the features from.
EXAMPLE_KEY = "features"
# Vectors that the proof sends.
_ASKED = 4


class ServedVectors(graph.ServedNetworks):
    """Networks of features as a SavedModel: features in, probabilities out.

    Args:
        networks: list of one or more networks that take vectors `[B, D]`.
        class_names: sequence of K str.
        temperature: float > 0, temperature T by which logits are divided.
        margin: int, unused.
        pixel_scale: float, unused.

    Attributes:
        image_shape: `(D,)`, shape of the features.
        names: tuple of str, names of the classes.

    Raises:
        ValueError: If the networks do not match, or there is another number of
            names.
    """

    def _prepare(self):
        if None in self.image_shape:
            raise ConfigurationError(
                "Expected networks for features of a fixed number of columns. "
                f"Received: {self.image_shape}"
            )
        spec = tf.TensorSpec([None, *self.image_shape], tf.float32)
        answer, embed, classify = (
            tf.function(f, input_signature=[s], autograph=False)
            for f, s in (
                (self._predict, spec),
                (self._embed, spec),
                (self._classify, tf.TensorSpec([None], tf.string)),
            )
        )
        self._own = {
            "serving_default": answer,
            "embed": embed,
            "classify": classify,
        }

    def expected(self, images):
        """Predictions of the networks in this process.

        Args:
            images: float32 array `[B, D]`, features.

        Returns:
            Float32 array `[B, K]` of probabilities.
        """
        with tf.device("CPU"):
            return self._predict(tf.constant(images))["probabilities"].numpy()

    def signatures(self):
        return {k: f.get_concrete_function() for k, f in self._own.items()}

    def _probabilities(self, images):
        return self._predict(images)["probabilities"]

    def _predict(self, features):
        graph.require_finite(features, "features")
        return self._answers(self._outputs(features))

    def _embed(self, features):
        graph.require_finite(features, "features")
        parts = [o["embedding"] for o in self._outputs(features)]
        parts = [tf.cast(part, tf.float32) for part in parts]
        return {"embedding": tf.concat(parts, axis=-1)}

    def _classify(self, inputs):
        spec = tf.io.FixedLenFeature(self.image_shape, tf.float32)
        found = tf.io.parse_example(inputs, {EXAMPLE_KEY: spec})
        probabilities = self._predict(found[EXAMPLE_KEY])["probabilities"]
        names = tf.broadcast_to(self.names, tf.shape(probabilities))
        return {"classes": names, "scores": probabilities}

    def questions(self, seed=0):
        """Features to ask in a verification: float32 array `[n, D]`.

        They are normal, with the mean and the standard deviation of the data.
        """
        drawn = np.random.RandomState(seed).normal(
            size=(_ASKED, *self.image_shape)
        )
        layer = head.pixel_normalization(self.networks[0])
        if layer is None:
            return drawn.astype(np.float32)
        found = drawn * np.asarray(layer.std) + np.asarray(layer.mean)
        return (found * layer.pixel_scale).astype(np.float32)


def example(vector: np.ndarray) -> Any:
    """Serialisable input of `classify` for features.

    Args:
        vector: float array `[D]`.

    Returns:
        A `tf.train.Example`.
    """
    value = tf.train.Feature(float_list=tf.train.FloatList(value=vector))
    return tf.train.Example(
        features=tf.train.Features(feature={EXAMPLE_KEY: value})
    )
