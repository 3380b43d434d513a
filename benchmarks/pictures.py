"""Reading images: two augmented 224-pixel views of 256-pixel JPEG files.

Compared with one process that does the same with Pillow: decode, two random
crops, two random flips, batches of bytes. The images are generated (smooth
colours and noise, about 30 kB each). Both are timed in turn.

    python benchmarks/pictures.py --work_dir=runs/pictures

With --flat=N it also reads N file names (the same files repeatedly) and reports
the memory in use. Results are written to benchmarks/results/pictures.json.
"""

import json
import os
import resource
import statistics
import time

import harness
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from PIL import Image

from noisy_keras.data import batches
from noisy_keras.data.sources.file_source import FileSource

flags.DEFINE_string("work_dir", "runs/pictures", "Folder of the images.")
flags.DEFINE_integer("count", 3000, "Number of images.")
flags.DEFINE_integer("rounds", 7, "Number of measurements.")
flags.DEFINE_integer("flat", 0, "Number of file names for the memory test.")
FLAGS = flags.FLAGS

BATCH = 50


def draw(folder, count):
    """Generates the images that do not exist yet and returns their paths."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, f"{i:05d}.jpg") for i in range(count)]
    for number, path in enumerate(paths):
        if os.path.exists(path):
            continue
        random = np.random.RandomState(number)
        coarse = Image.fromarray(random.randint(0, 256, (8, 8, 3), np.uint8))
        pixels = np.asarray(coarse.resize((256, 256), Image.BICUBIC), float)
        pixels += random.normal(0, 12, pixels.shape)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image.save(path, quality=90)
    return paths


def ours(source):
    """Seconds for one pass with this package's pipeline."""
    count = source.num_samples
    view = source.view("weak")

    def make(row):
        images = source.fetch_with_margin(row["index"])
        return view(images, row["seed"], 2)

    steps = count // BATCH
    planned = batches.Round(
        "views",
        samples={"index": np.arange(steps * BATCH).reshape(steps, BATCH)},
        settings={"seed": batches.step_seeds(steps, 0, 0, 0)},
        make_batch=tf.function(make),
    )
    start = time.perf_counter()
    for element in planned.dataset():
        del element
    return time.perf_counter() - start


def pillow(paths):
    """Seconds for one pass with a loop over Pillow."""
    random = np.random.RandomState(0)
    start = time.perf_counter()
    for first in range(0, len(paths), BATCH):
        batch = np.empty((2, BATCH, 224, 224, 3), np.uint8)
        for row, path in enumerate(paths[first : first + BATCH]):
            with Image.open(path) as opened:
                image = opened.convert("RGB")
            for number in range(2):
                left, top = random.randint(0, 33, 2)
                seen = image.crop((left, top, left + 224, top + 224))
                if random.uniform() < 0.5:
                    seen = seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                batch[number, row] = np.asarray(seen)
    return time.perf_counter() - start


def main(argv):
    del argv
    paths = draw(os.path.join(FLAGS.work_dir, "pictures"), FLAGS.count)
    count = len(paths) // BATCH * BATCH

    def source(names):
        return FileSource(
            names,
            np.zeros(len(names), int),
            ["a", "b"],
            image_size=224,
            ids=np.arange(len(names)),  # With --flat a file has many names.
        )

    ours(source(paths[: 2 * BATCH]))  # Traces, and reads the files once.
    pillow(paths)
    pairs = [
        (ours(source(paths[:count])), pillow(paths[:count]))
        for _ in range(FLAGS.rounds)
    ]
    rates = [[count / seconds for seconds in pair] for pair in pairs]
    ratios = [a / b for a, b in rates]
    result = {
        "machine": harness.machine(),
        "images_per_second": [[round(v, 1) for v in pair] for pair in rates],
        "median_ratio": round(statistics.median(ratios), 3),
        "ratios": [round(r, 3) for r in ratios],
    }
    if FLAGS.flat:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        many = [paths[i % len(paths)] for i in range(FLAGS.flat)]
        seconds = ours(source(many))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result["memory"] = {
            "files": FLAGS.flat,
            "seconds": round(seconds, 1),
            "peak_mib_before": before // 1024,
            "peak_mib_after": after // 1024,
        }
    print(json.dumps(result, indent=1))
    os.makedirs(harness.RESULTS, exist_ok=True)
    path = os.path.join(harness.RESULTS, "pictures.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(result, stream, indent=1)
        stream.write("\n")


if __name__ == "__main__":
    app.run(main)
