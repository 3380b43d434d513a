"""Predictions of an exported model, in a process without this package.

Run as a script: `python replay.py FOLDER QUESTIONS ANSWERS`. It imports nothing
of this package, and trying to would fail. QUESTIONS is an NPZ file of `files`
(their concatenated bytes), `sizes` (of each file) and `images`. Without files,
the images are features `[n, D]`. ANSWERS
receives the outputs of each signature and the number of warm-up requests that
were answered.
"""

import os
import sys

import numpy as np
import tensorflow as tf


def main(folder, questions, answers):
    """Runs every signature: see the description of the module."""
    sys.modules["noisy_keras"] = None  # Not installed, as on a server.
    with np.load(questions, allow_pickle=False) as arrays:
        data, images = arrays["files"].tobytes(), arrays["images"]
        ends = np.cumsum(arrays["sizes"])
    files = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    loaded = tf.saved_model.load(folder)
    ask = loaded.signatures
    found = {}

    def keep(signature, **inputs):
        for name, values in ask[signature](**inputs).items():
            found[f"{signature}/{name}"] = values.numpy()

    if not files:
        _ask_vectors(ask, images, keep)
    else:
        _ask_pictures(ask, files, images, keep)
    found["replayed"] = np.asarray(_replay(folder, ask))
    text = {
        name: np.char.decode(values.astype(bytes), "utf-8")
        for name, values in found.items()
        if values.dtype == object
    }
    np.savez(answers, **(found | text))


def _ask_vectors(ask, features, keep):
    given = tf.constant(features)
    keep("serving_default", features=given)
    keep("embed", features=given)
    examples = []
    for vector in features:
        value = tf.train.Feature(float_list=tf.train.FloatList(value=vector))
        named = tf.train.Features(feature={"features": value})
        examples.append(tf.train.Example(features=named).SerializeToString())
    keep("classify", inputs=tf.constant(examples))
    try:
        ask["serving_default"](features=given * np.nan)
    except tf.errors.InvalidArgumentError:
        return
    raise SystemExit("a prediction for features that are not finite")


def _ask_pictures(ask, files, images, keep):
    keep("serving_default", image_bytes=tf.constant(files))
    keep("embed", image_bytes=tf.constant(files))
    keep("classify", inputs=tf.constant([_example(f) for f in files]))
    keep("predict_images", images=tf.constant(images))
    floats = tf.constant(images.astype(np.float32))
    keep("predict_float_images", images=floats)
    for broken in (b"", b"no picture", files[0][:-20]):
        try:
            ask["serving_default"](image_bytes=tf.constant([files[0], broken]))
        except tf.errors.InvalidArgumentError:
            continue
        raise SystemExit(f"a prediction for an invalid file: {broken[:20]!r}")


def _example(data):
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    feature = {"image/encoded": value}
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def _replay(folder, ask):
    """Sends the warm-up requests to the signatures and returns their number."""
    path = os.path.join(folder, "assets.extra", "tf_serving_warmup_requests")
    if not os.path.exists(path):
        return 0
    from tensorflow_serving.apis import prediction_log_pb2

    count = 0
    for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if log.WhichOneof("log_type") == "classify_log":
            request = log.classify_log.request
            given = [
                e.SerializeToString()
                for e in request.input.example_list.examples
            ]
            inputs = {"inputs": tf.constant(given)}
        else:
            request = log.predict_log.request
            inputs = {
                name: tf.constant(tf.make_ndarray(value))
                for name, value in request.inputs.items()
            }
        for values in ask[request.model_spec.signature_name](**inputs).values():
            if values.dtype.is_floating:
                tf.debugging.assert_all_finite(values, "a warm-up answer")
        count += 1
    return count


if __name__ == "__main__":
    main(*sys.argv[1:])
