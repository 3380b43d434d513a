"""RandAugment here and in Keras: speed, and how much it changes pictures.

Batches of 32 crops of the two photographs that scikit-learn contains, of 32,
128 and 224 pixels, are changed

- as the view `photograph_randaugment` does after its crop: 2 operations at 9 of
  30, the default of torchvision;
- as the view `randaugment` does after its crop, the variant of SANM's code with
  a grey square;
- by `keras.layers.RandAugment` with 2 operations and its default factor, 1, and
  a factor of 0.3.

Reported are pictures per second of wall and of processor time, and the mean
absolute change of a pixel, from 0 to 255.

    python benchmarks/randaugment.py

Written to benchmarks/results/randaugment.json, in at most two minutes of a
processor. One thread, as in a data pipeline that makes batches in parallel.
"""

import json
import os
import platform
import time

import harness
import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from sklearn import datasets

from noisy_keras.data.augment import policies

flags.DEFINE_list("sizes", ["32", "128", "224"], "Sides in pixels.")
flags.DEFINE_integer("batch_size", 32, "Batch size.")
flags.DEFINE_float("seconds", 4.0, "Seconds of processor time for each number.")
FLAGS = flags.FLAGS

_KERAS = {"keras": 1.0, "keras_0.3": 0.3}


def crops(side):
    """Random square crops of the photographs: uint8 `[B, side, side, 3]`."""
    random = np.random.RandomState(0)
    photographs = datasets.load_sample_images().images
    found = []
    for number in range(FLAGS.batch_size):
        photograph = photographs[number % len(photographs)]
        most = min(photograph.shape[:2])
        size = random.randint(most // 2, most + 1)
        top, left = (
            random.randint(0, n - size + 1) for n in photograph.shape[:2]
        )
        crop = photograph[top : top + size, left : left + size]
        found.append(tf.image.resize(crop, (side, side), antialias=True))
    return tf.cast(tf.round(tf.stack(found)), tf.uint8)


def methods():
    """What changes a batch, by name: functions of images and a seed."""
    found = {
        "photograph_randaugment": policies.rand_augment_fixed,
        "randaugment": policies.rand_augment,
    }
    for name, factor in _KERAS.items():
        layer = keras.layers.RandAugment((0, 255), num_ops=2, factor=factor)
        found[name] = lambda images, seed, layer=layer: layer(
            images, training=True
        )
    return {name: tf.function(f) for name, f in found.items()}


def measured(change, images):
    before = tf.cast(images, tf.float32).numpy()
    change(images, tf.constant([0, 0]))  # Traces it.
    changes, count = [], 0
    wall, cpu = time.monotonic(), time.process_time()
    while time.process_time() - cpu < FLAGS.seconds:
        changed = np.asarray(change(images, tf.constant([1, count])))
        changes.append(changed)
        count += 1
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    pictures = count * len(before)
    difference = [np.abs(c.astype(np.float32) - before) for c in changes[:50]]
    same = [np.all(c == before, axis=(1, 2, 3)) for c in changes[:50]]
    return {
        "pictures_per_second": round(pictures / wall),
        "pictures_per_cpu_second": round(pictures / cpu),
        "mean_absolute_change": round(float(np.mean(difference)), 2),
        "share_unchanged": round(float(np.mean(same)), 3),
    }


def main(argv):
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
    results = {}
    for side in map(int, FLAGS.sizes):
        images = crops(side)
        results[side] = {
            name: measured(change, images) for name, change in methods().items()
        }
        for name, found in results[side].items():
            print(side, name, found)
    content = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
        "batch_size": FLAGS.batch_size,
        "results": results,
    }
    path = os.path.join(harness.RESULTS, "randaugment.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")


if __name__ == "__main__":
    app.run(main)
