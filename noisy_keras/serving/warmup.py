"""Warm-up requests, which TensorFlow Serving runs when it loads a version.

A version that cannot answer them is not taken into service.
"""

import os
from importlib import util

import tensorflow as tf

from noisy_keras.serving import graph
from noisy_keras.serving import vector_graph

#: Package that creates the records; optional.
PACKAGE = "tensorflow_serving"
MISSING = (
    "No warm-up requests were written: they need tensorflow-serving-api "
    "(pip install tensorflow-serving-api)."
)
#: File that TensorFlow Serving reads, in the folder of a version.
PATH = os.path.join("assets.extra", "tf_serving_warmup_requests")
#: Largest number of records that TensorFlow Serving accepts.
MOST = 1000


def is_possible():
    """Whether the package that creates the records is installed."""
    return util.find_spec(PACKAGE) is not None


def write(folder, name, files, images):
    """Writes a record for each signature and batch size.

    Args:
        folder: str, folder of the SavedModel.
        name: str, name of the model for clients.
        files: list of bytes of JPEG or PNG files; empty for features.
        images: uint8 array `[n, H, W, C]`, or float32 features `[n, D]`.

    Returns:
        Int, number of records.
    """
    if files:
        records = list(_records(name, files, images))[:MOST]
    else:
        records = list(_of_vectors(name, images))
    path = os.path.join(folder, PATH)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record.SerializeToString(deterministic=True))
    return len(records)


def example(data):
    """Serialisable input of `classify` for the bytes of a file.

    Args:
        data: bytes of a JPEG or PNG file.

    Returns:
        A `tf.train.Example`.
    """
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    feature = {graph.EXAMPLE_KEYS[0]: value}
    return tf.train.Example(features=tf.train.Features(feature=feature))


def _records(name, files, images):
    floats = tf.cast(images, tf.float32)
    # A single image and all of them, because the first batch of each size is
    # slow.
    for count in sorted({1, len(files)}):
        batch = tf.constant(files[:count])
        yield _prediction(name, "serving_default", "image_bytes", batch)
        yield _prediction(name, "embed", "image_bytes", batch)
        yield _classification(name, [example(f) for f in files[:count]])
    for count in sorted({1, len(images)}):
        yield _prediction(name, "predict_images", "images", images[:count])
        yield _prediction(
            name, "predict_float_images", "images", floats[:count]
        )


def _of_vectors(name, features):
    for count in (1, len(features)):
        part = tf.constant(features[:count])
        yield _prediction(name, "serving_default", "features", part)
        yield _prediction(name, "embed", "features", part)
        yield _classification(
            name, [vector_graph.example(v) for v in features[:count]]
        )


def _prediction(name, signature, argument, values):
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    request.inputs[argument].CopyFrom(tf.make_tensor_proto(values))
    return log


def _classification(name, examples):
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    request = log.classify_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.extend(examples)
    return log
