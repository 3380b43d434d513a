"""Verification of an export in a separate process."""

import io
import os
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from PIL import Image

from noisy_keras.data.io import decoding
from noisy_keras.serving import replay

#: Largest difference of a probability.
TOLERANCE = 1e-5
#: Largest difference if networks compute in 16 bits.
TOLERANCE_16 = 1e-2

_SECONDS = 600


def questions(served, seed=0):
    """Generates inputs for the verification.

    Args:
        served: `ServedClassifier`.
        seed: int, seed of the random inputs.

    Returns:
        Tuple of a list of bytes of files (JPEG and PNG; coloured, greyscale and
        transparent) and a uint8 array `[n, H, W, C]`.
    """
    random = np.random.RandomState(seed)
    height, width, channels = served.image_shape
    coarse = random.randint(0, 256, (4, 4, 3), np.uint8)

    def drawn(size):
        return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)

    large, fitting = (
        drawn((3 * width + 1, 2 * height + 5)),
        drawn((width, height)),
    )
    clear = large.copy()
    clear.putalpha(large.convert("L"))
    files = [
        _encoded(large, "JPEG"),
        _encoded(fitting, "PNG"),
        _encoded(large.convert("L"), "JPEG"),
        _encoded(clear, "PNG"),
    ]
    shape = (4, height, width, channels)
    return files, random.randint(0, 256, shape, np.uint8)


def prove(served, folder, files, images, records):
    """Compares predictions of a separate process with those of this one.

    Args:
        served: `ServedClassifier` in this process.
        folder: str, folder of the SavedModel.
        files: list of bytes of image files; empty for networks of features.
        images: uint8 array `[n, H, W, C]`, or float32 features `[n, D]`.
        records: int, number of warm-up requests in the export.

    Returns:
        Dict with `largest_difference`, that of a probability, and
        `warmup_replayed`, the number of warm-up requests that were answered.

    Raises:
        RuntimeError: If the export cannot be loaded or predicts differently.
    """
    found = _ask(folder, files, images)
    if files:
        expected = {
            "serving_default": served.expected(pictures(served, files)),
            "predict_images": served.expected(images),
        }
    else:
        expected = {"serving_default": served.expected(images)}
    expected["classify"] = expected["serving_default"]
    largest = 0.0
    for signature, answer in expected.items():
        output = "scores" if signature == "classify" else "probabilities"
        given = found[f"{signature}/{output}"]
        largest = max(largest, float(np.abs(given - answer).max()))
    bound = TOLERANCE if served.is_float32 else TOLERANCE_16
    if not largest <= bound:
        raise RuntimeError(
            "Expected the exported model to predict as the model does, to "
            f"{bound}. Received: probabilities that differ by {largest:.2g}"
        )
    names = [served.names[k] for k in found["serving_default/class_id"]]
    if names != list(found["serving_default/class_name"]):
        raise RuntimeError(
            f"Expected the classes {names}. Received: "
            f"{list(found['serving_default/class_name'])}"
        )
    if int(found["replayed"]) != records:
        raise RuntimeError(
            f"Expected {records} warm-up requests to be answered. "
            f"Received: {int(found['replayed'])}"
        )
    return {"largest_difference": largest, "warmup_replayed": records}


def pictures(served, files):
    """Decodes files as in training.

    Args:
        served: `ServedClassifier`.
        files: list of bytes of image files.

    Returns:
        Uint8 array `[n, H, W, C]`.
    """
    height, width, channels = served.image_shape
    margin = served.margin
    if height != width:
        # Training makes images of files square: there is nothing to compare.
        return served.decoded(tf.constant(files)).numpy()
    result = []
    for data in files:
        image = decoding.decode(data, height + 2 * margin)
        image = image[margin : margin + height, margin : margin + width]
        if channels == 1:
            image = np.asarray(Image.fromarray(image).convert("L"))[..., None]
        result.append(image)
    return np.stack(result)


def _ask(folder, files, images):
    with tempfile.TemporaryDirectory() as work:
        asked = os.path.join(work, "questions.npz")
        answers = os.path.join(work, "answers.npz")
        np.savez(
            asked,
            files=np.frombuffer(b"".join(files), np.uint8),
            sizes=np.asarray([len(f) for f in files]),
            images=images,
        )
        # -P: nothing is imported from the folder of the script.
        command = [sys.executable, "-P", replay.__file__]
        done = subprocess.run(
            [*command, folder, asked, answers],
            env=os.environ
            | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no error message"]
            raise RuntimeError(
                "Expected the exported model to load and predict in a "
                f"separate process. Received: {lines[-1]}"
            )
        with np.load(answers, allow_pickle=False) as arrays:
            return dict(arrays)


def _encoded(image, kind):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()
