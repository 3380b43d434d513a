"""The proof of an export: a fresh process answers as the model does."""

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

#: Most that a probability may differ by.
TOLERANCE = 1e-5
#: The same where networks compute in 16 bits.
TOLERANCE_16 = 1e-2

_SECONDS = 600


def questions(served, seed=0):
    """Pictures to ask about, drawn.

    Args:
        served: `ServedClassifier`.
        seed: of the drawing.

    Returns:
        Bytes of files (JPEG and PNG, coloured, grey and transparent), and
        uint8 `[n, H, W, C]`.
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
    """Asks a fresh process, and compares.

    Args:
        served: `ServedClassifier`, as it is in this process.
        folder: of the SavedModel.
        files: bytes of pictures.
        images: uint8 `[n, H, W, C]`.
        records: number of the warm-up requests.

    Returns:
        dict with the largest difference of a probability and the number of
        warm-up requests that were replayed.

    Raises:
        RuntimeError: it cannot be loaded, or answers otherwise.
    """
    found = _ask(folder, files, images)
    expected = {
        "serving_default": served.expected(pictures(served, files)),
        "predict_images": served.expected(images),
    }
    expected["classify"] = expected["serving_default"]
    largest = 0.0
    for signature, answer in expected.items():
        output = "scores" if signature == "classify" else "probabilities"
        given = found[f"{signature}/{output}"]
        largest = max(largest, float(np.abs(given - answer).max()))
    bound = TOLERANCE if served.is_float32 else TOLERANCE_16
    if not largest <= bound:
        raise RuntimeError(
            "Expected the exported model to answer as the model does, to "
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
    """Files as training's decoder makes pictures of them.

    Args:
        served: `ServedClassifier`.
        files: bytes of each.

    Returns:
        `[n, H, W, C]`, uint8.
    """
    height, width, channels = served.image_shape
    margin = served.margin
    if height != width:
        # Files were made square in training; there is nothing to compare with.
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
        # -P: the folder of the script is no place to import from.
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
            told = done.stderr.strip().splitlines() or ["no word"]
            raise RuntimeError(
                "Expected the exported model to load and answer in a process "
                f"of its own. Received: {told[-1]}"
            )
        with np.load(answers, allow_pickle=False) as arrays:
            return dict(arrays)


def _encoded(image, kind):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()
