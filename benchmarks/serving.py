"""The exported graph compared with the Keras model, in one process, in turn.

There are two kinds of input. Bytes of JPEG files are decoded by the graph
itself, and by the training decoder of this package for the Keras model. Images
of the network's size are passed as uint8 arrays. The Keras model is called as a
compiled function (`tf.function` of the model), which is faster than
`model.predict`, and by `model.predict_on_batch`.

    python benchmarks/serving.py --rounds=30

Results are written to benchmarks/results/serving.json.
"""

import io
import json
import os
import statistics
import tempfile
import time

import harness
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.io import decoding

flags.DEFINE_integer("rounds", 30, "Number of measurements.")
flags.DEFINE_list("batches", ["1", "32", "64"], "Batch sizes.")
flags.DEFINE_string("note", "", "Remark to add to the results.")
FLAGS = flags.FLAGS

#: Name, network, width, side of the images, height and width of the files.
SETTINGS = (
    ("small pictures", "tiny", None, 32, (32, 32)),
    ("CIFAR network", "preact_resnet18", 16, 32, (64, 48)),
    ("photographs", "resnet50", 16, 224, (600, 800)),
)


def photographs(count, shape):
    """Bytes of generated JPEG files."""
    result = []
    for seed in range(count):
        random = np.random.RandomState(seed)
        coarse = Image.fromarray(random.randint(0, 256, (8, 8, 3), np.uint8))
        smooth = coarse.resize(shape[::-1], Image.BICUBIC)
        pixels = np.asarray(smooth) + random.normal(0, 9, (*shape, 3))
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=90)
        result.append(stream.getvalue())
    return result


def ways(model, loaded, files, size):
    """Functions without arguments by name, by kind of input: dict of dicts."""
    forward = tf.function(lambda x: model(x), reduce_retracing=True)
    serve = loaded.signatures["serving_default"]
    images_in = loaded.signatures["predict_images"]
    data = tf.constant(files)
    images = np.stack([decoding.decode(f, size) for f in files])
    tensor = tf.constant(images)

    def decoded():
        def read(position):
            return files[position]

        return decoding.read_pictures(range(len(files)), size, read)[0]

    return {
        "bytes": {
            "graph": lambda: serve(image_bytes=data)["confidence"].numpy(),
            "keras_function": lambda: forward(decoded()).numpy(),
            "keras_predict": lambda: model.predict_on_batch(decoded()),
        },
        "images": {
            "graph": lambda: images_in(images=tensor)["confidence"].numpy(),
            "keras_function": lambda: forward(images).numpy(),
            "keras_predict": lambda: model.predict_on_batch(images),
        },
    }


def measure(functions, rounds):
    """Milliseconds of each, in turns: dict of lists."""
    for function in functions.values():  # Tracing.
        function()
        function()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(1e3 * (time.perf_counter() - start))
    return times


def write(results):
    """Writes the results so far."""
    content = {
        "machine": harness.machine(),
        "rounds": FLAGS.rounds,
        "note": FLAGS.note,
        "results": results,
    }
    os.makedirs(harness.RESULTS, exist_ok=True)
    path = os.path.join(harness.RESULTS, "serving.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.write("\n")


def main(argv):
    del argv
    results = {}
    for title, name, width, size, shape in SETTINGS:
        network = nk.networks.build(
            name, image_shape=(size, size, 3), num_classes=10, width=width
        )
        model = nk.CrossEntropy(network, 1)
        with tempfile.TemporaryDirectory() as folder:
            path = model.export(os.path.join(folder, "1"), verify=False).path
            loaded = tf.saved_model.load(path)
        for count in map(int, FLAGS.batches):
            files = photographs(count, shape)
            for kind, functions in ways(model, loaded, files, size).items():
                times = measure(functions, FLAGS.rounds)
                medians = {n: statistics.median(t) for n, t in times.items()}
                best = [
                    min(a, b)
                    for a, b in zip(
                        times["keras_function"],
                        times["keras_predict"],
                        strict=True,
                    )
                ]
                row = {
                    "milliseconds": {
                        n: round(v, 2) for n, v in medians.items()
                    },
                    "graph_per_second": round(1e3 * count / medians["graph"]),
                    "ratio_to_best_keras": round(
                        statistics.median(
                            a / b
                            for a, b in zip(times["graph"], best, strict=True)
                        ),
                        3,
                    ),
                }
                key = f"{title} ({name}), {kind}, batch {count}"
                results[key] = row
                print(key, json.dumps(row), flush=True)
                write(results)


if __name__ == "__main__":
    app.run(main)
