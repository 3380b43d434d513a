"""A folder of images and its shards."""

import numpy as np
from PIL import Image

import noisy_keras as nk

COUNT = 12


def pictures(root):
    """Writes two classes of images of several formats and sizes."""
    random = np.random.RandomState(0)
    formats = ("png", "jpg", "bmp", "gif")
    for number in range(COUNT):
        label = ("cat", "dog")[number % 2]
        (root / label).mkdir(exist_ok=True)
        shape = (20 + number, 34 - number, 3)
        pixels = random.randint(0, 256, shape).astype(np.uint8)
        path = root / label / f"{number:02d}.{formats[number % 4]}"
        Image.fromarray(pixels).save(path)
    return root


def shards(folder, root):
    """Returns the source of such a folder and the folder of its shards."""
    source = nk.data.from_folder(folder, image_size=16)
    nk.data.write_tfrecord(source, root / "shards", shards=3)
    return source, root / "shards"
