"""Requests that TensorFlow Serving sends itself before others do.

A version that cannot answer them is not taken into service, so that they prove
it at the moment of loading.
"""

import os
from importlib import util

import tensorflow as tf

from noisy_keras.serving import graph

#: What the records are made with, an extra.
PACKAGE = "tensorflow_serving"
MISSING = (
    "No warm-up requests were written: they need tensorflow-serving-api "
    "(pip install tensorflow-serving-api)."
)
#: Where TensorFlow Serving looks for them, in the folder of a version.
PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")
#: Records that TensorFlow Serving bears.
MOST = 1000


def is_possible():
    """Whether the package is there that makes the records."""
    return util.find_spec(PACKAGE) is not None


def write(folder, name, files, images):
    """Writes one record for each signature and size of batch.

    Args:
        folder: of the SavedModel.
        name: of the model, as clients call it.
        files: bytes of JPEG or PNG files.
        images: uint8 `[n, H, W, C]`.

    Returns:
        Number of records.
    """
    records = list(_records(name, files, images))[:MOST]
    path = os.path.join(folder, PATH)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record.SerializeToString(deterministic=True))
    return len(records)


def example(data):
    """A `tf.train.Example` for `classify`, of the bytes of a file."""
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    feature = {graph.EXAMPLE_KEYS[0]: value}
    return tf.train.Example(features=tf.train.Features(feature=feature))


def _records(name, files, images):
    floats = tf.cast(images, tf.float32)
    # One alone, and as many as there are: the first batch of a size is slow.
    for count in sorted({1, len(files)}):
        some = tf.constant(files[:count])
        yield _prediction(name, "serving_default", "image_bytes", some)
        yield _prediction(name, "embed", "image_bytes", some)
        yield _classification(name, files[:count])
    for count in sorted({1, len(images)}):
        yield _prediction(name, "predict_images", "images", images[:count])
        yield _prediction(
            name, "predict_float_images", "images", floats[:count]
        )


def _prediction(name, signature, argument, values):
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    request.inputs[argument].CopyFrom(tf.make_tensor_proto(values))
    return log


def _classification(name, files):
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.classify_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = "classify"
    examples = [example(data) for data in files]
    request.input.example_list.examples.extend(examples)
    return log
