"""The served graph, from the bytes of image files to class probabilities."""

import os

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from noisy_keras.networks import head
from noisy_keras.networks import model_files
from noisy_keras.serving import decoding
from noisy_keras.serving import resizing
from noisy_keras.utils import names as names_module
from noisy_keras.utils.errors import ConfigurationError

#: Keys of a `tf.Example` that `classify` reads the file's bytes from.
EXAMPLE_KEYS = ("image/encoded", "image_bytes")
#: Asset with one class name per line; control characters are escaped.
CLASS_NAMES = "class_names.txt"

_CLASSIFY = "tensorflow/serving/classify"


def _signature(shape, dtype):
    spec = tf.TensorSpec(shape, dtype)
    return tf.function(input_signature=[spec], autograph=False)


class ServedNetworks(tf.Module):
    """What graphs of pictures and of features share.

    Args and attributes: see `ServedClassifier`.
    """

    def __init__(
        self,
        networks,
        class_names,
        *,
        temperature=1.0,
        margin=0,
        pixel_scale=None,
    ):
        super().__init__(name="served_classifier")
        networks = list(networks)
        head.check_together(networks)
        # Only variables are attributes, and therefore saved: layers would need
        # their Python code to be loaded.
        self.weights = list(
            {
                id(v.value): v.value for n in networks for v in n.variables
            }.values()
        )
        self.loaded = model_files.loaded_in(networks)
        self._networks = lambda: networks
        self.image_shape = tuple(networks[0].input_shape[1:])
        count = networks[0].output["logits"].shape[-1]
        if len(class_names) != count:
            raise ConfigurationError(
                f"Expected {count} class names. Received: {len(class_names)}"
            )
        layer = head.pixel_normalization(networks[0])
        if pixel_scale is None:
            pixel_scale = 255.0 if layer is None else layer.pixel_scale
        self.pixel_scale = float(pixel_scale)
        self.names = tuple(map(names_module.text, class_names))
        self.temperature = float(temperature)
        self.margin = int(margin)
        self._prepare()
        batch = tf.TensorSpec([None, *self.image_shape], tf.float32)
        outputs = tf.function(self._all_outputs, autograph=False)
        outputs = outputs.get_concrete_function(batch)
        self._outputs = lambda images: outputs(images)

    @property
    def networks(self):
        return self._networks()

    @property
    def is_float32(self):
        """Whether all layers compute in float32."""
        layers = [layer for n in self.networks for layer in n.layers]
        return all(layer.compute_dtype == "float32" for layer in layers)

    def _prepare(self):
        """Checks the shape of a sample, and prepares the signatures."""
        raise NotImplementedError  # pragma: no cover

    def signatures(self):
        """The signatures, a dict from name to concrete function."""
        raise NotImplementedError  # pragma: no cover

    def _probabilities(self, images):
        """Probabilities for samples as the networks take them."""
        raise NotImplementedError  # pragma: no cover

    def save(self, folder):
        """Writes the SavedModel.

        Args:
            folder: str, folder to create.
        """
        # `serve`, as in `keras.Model.export`, takes images of the networks'
        # size.
        spec = tf.TensorSpec([None, *self.image_shape], tf.float32)
        self.serve = tf.function(
            self._probabilities,
            input_signature=[spec],
            autograph=False,
        )
        names = os.path.join(folder, CLASS_NAMES)
        os.makedirs(folder)
        with open(names, "w", encoding="utf-8") as stream:
            stream.writelines(
                f"{names_module.one_line(name)}\n" for name in self.names
            )
        self.class_names = tf.saved_model.Asset(names)
        tf.saved_model.save(self, folder, signatures=self.signatures())
        os.unlink(names)  # It has been copied to the assets.
        _name_methods(os.path.join(folder, "saved_model.pb"))

    def _all_outputs(self, images):
        """Embeddings and logits of each network."""
        found = [n(images, training=False) for n in self.networks]
        return [{k: o[k] for k in ("embedding", "logits")} for o in found]

    def _answers(self, outputs):
        logits = tf.add_n([o["logits"] for o in outputs]) / float(len(outputs))
        require_finite(logits, "the logits of the networks")
        probabilities = tf.nn.softmax(logits / self.temperature)
        number = tf.argmax(probabilities, axis=-1)
        return {
            "probabilities": probabilities,
            "class_id": number,
            "class_name": tf.gather(tf.constant(self.names), number),
            "confidence": tf.reduce_max(probabilities, axis=-1),
        }


class ServedClassifier(ServedNetworks):
    """Networks with decoding, resizing and scaling, as a SavedModel.

    Args:
        networks: list of one or more `keras.Model` with the interface of
            `noisy_keras.networks`. The prediction is the softmax of their mean
            logits.
        class_names: sequence of K str.
        temperature: float > 0, temperature T by which logits are divided.
        margin: int, in pixels: see `resizing.fitted`.
        pixel_scale: float, value of a white pixel, 255 or 1; None takes that of
            the networks.

    Attributes:
        image_shape: `(H, W, C)` of the images that the networks take.
        names: tuple of str, names of the classes.

    Raises:
        ValueError: If the networks do not match, their images do not have 1 or
            3 channels, or there is another number of names.
    """

    def _prepare(self):
        """Checks the shape of the images, and traces their decoding."""
        if None in self.image_shape or self.image_shape[-1] not in (1, 3):
            raise ConfigurationError(
                "Expected networks for images of fixed size with 1 or 3 "
                f"channels. Received: {self.image_shape}"
            )
        # Traced once and shared by all signatures.
        one = [tf.TensorSpec([], t) for t in (tf.string, tf.int32, tf.bool)]
        decode = tf.function(self._decoded_row, autograph=False)
        decode = decode.get_concrete_function(*one)
        self._decode = lambda *each: decode(*each)

    def expected(self, images):
        """Predictions of the networks in this process.

        Args:
            images: uint8 array `[B, H, W, C]` of the networks' size.

        Returns:
            Float32 array `[B, K]` of probabilities.
        """
        with tf.device("CPU"):
            images = self._as_trained(tf.constant(images))
            return self._answers(self._outputs(images))["probabilities"].numpy()

    # === Signatures ===

    @_signature([None], tf.string)
    def predict_bytes(self, image_bytes):
        """Predictions for JPEG or PNG files, a string tensor `[B]`."""
        return self._answers(self._outputs(self._pictures(image_bytes)))

    @_signature([None] * 4, tf.uint8)
    def predict_images(self, images):
        """Predictions for images of any size, a uint8 tensor `[B, h, w, C]`."""
        images = tf.ensure_shape(images, [*[None] * 3, self.image_shape[-1]])
        return self._answers(self._outputs(self._fitted(images)))

    @_signature([None] * 4, tf.float32)
    def predict_float_images(self, images):
        """Predictions for float32 images `[B, h, w, C]` as in training."""
        images = tf.ensure_shape(images, [*[None] * 3, self.image_shape[-1]])
        require_finite(images, "images")
        return self._answers(self._outputs(self._fitted(images)))

    @_signature([None], tf.string)
    def classify(self, inputs):
        """Classes and scores `[B, K]` of serialised `tf.Example`s."""
        absent = tf.io.FixedLenFeature([], tf.string, "")
        found = tf.io.parse_example(inputs, dict.fromkeys(EXAMPLE_KEYS, absent))
        first, second = (found[key] for key in EXAMPLE_KEYS)
        image_bytes = tf.where(first == "", second, first)
        outputs = self._outputs(self._pictures(image_bytes))
        probabilities = self._answers(outputs)["probabilities"]
        names = tf.broadcast_to(self.names, tf.shape(probabilities))
        return {"classes": names, "scores": probabilities}

    @_signature([None], tf.string)
    def embed(self, image_bytes):
        """Embeddings `[B, E]` of files, concatenated over networks."""
        outputs = self._outputs(self._pictures(image_bytes))
        parts = [tf.cast(o["embedding"], tf.float32) for o in outputs]
        embedding = tf.concat(parts, axis=-1)
        require_finite(embedding, "embedding")
        return {"embedding": embedding}

    def signatures(self):
        """The signatures, a dict from name to concrete function."""
        found = {
            "serving_default": self.predict_bytes,
            "predict_images": self.predict_images,
            "predict_float_images": self.predict_float_images,
            "classify": self.classify,
            "embed": self.embed,
        }
        return {k: f.get_concrete_function() for k, f in found.items()}

    def _probabilities(self, images):
        return self.predict_float_images(images)["probabilities"]

    # === Shared by the signatures ===

    def decoded(self, image_bytes):
        """Decodes files.

        Args:
            image_bytes: string tensor `[B]`.

        Returns:
            Uint8 tensor `[B, H, W, C]`.
        """
        # Strings and varying shapes have no GPU kernels.
        with tf.device("CPU"):
            rows = tf.range(tf.size(image_bytes))
            return tf.map_fn(
                lambda each: tf.ensure_shape(
                    self._decode(*each), self.image_shape
                ),
                (image_bytes, rows, decoding.is_plain(image_bytes)),
                fn_output_signature=tf.TensorSpec(self.image_shape, tf.uint8),
            )

    def _decoded_row(self, data, row, plain):
        return decoding.decode(data, row, plain, self.image_shape, self.margin)

    def _pictures(self, image_bytes):
        image_bytes = _checked(image_bytes)
        return self._as_trained(self.decoded(image_bytes))

    def _as_trained(self, images):
        images = tf.cast(images, tf.float32)
        return images if self.pixel_scale == 255.0 else images / 255.0

    def _fitted(self, images):
        images = _checked(images)
        height, width, _ = self.image_shape
        spec = tf.TensorSpec(self.image_shape, images.dtype)

        def resized():
            return tf.map_fn(
                lambda image: resizing.fitted(
                    image, height, width, self.margin
                ),
                images,
                fn_output_signature=spec,
            )

        fits = tf.reduce_all(tf.shape(images)[1:3] == (height, width))
        images = tf.cond(fits, lambda: tf.identity(images), resized)
        images = tf.ensure_shape(images, [None, *self.image_shape])
        return (
            images if images.dtype == tf.float32 else self._as_trained(images)
        )


def _checked(values):
    """The values, which must not be empty."""
    message = "Expected at least one image of at least one pixel. Received: "
    present = tf.size(values) > 0
    check = tf.debugging.Assert(present, [message, "shape", tf.shape(values)])
    with tf.control_dependencies([check] if check is not None else []):
        return tf.identity(values)


def require_finite(values, what):
    """Makes the graph fail where values are not finite.

    Args:
        values: float tensor `[B, ...]`.
        what: str, name of the values in the message.
    """
    axes = list(range(1, values.shape.rank))
    finite = tf.reduce_all(tf.math.is_finite(values), axis=axes)
    message = f"Expected finite numbers in {what}. Received: NaN or infinity "
    rows = tf.where(~finite)[:, 0]
    tf.debugging.Assert(tf.reduce_all(finite), [message + "in rows", rows])


def _name_methods(path):
    """Marks `classify` as a signature of the Classify API.

    Servers can be configured to check the method name, while TensorFlow saves
    that of the Predict API for all signatures.
    """
    model = saved_model_pb2.SavedModel()
    with open(path, "rb") as stream:
        model.ParseFromString(stream.read())
    definition = model.meta_graphs[0].signature_def["classify"]
    definition.method_name = _CLASSIFY
    with open(path, "wb") as stream:
        stream.write(model.SerializeToString(deterministic=True))
