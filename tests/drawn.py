"""Generated data sets of image files, in the layouts of their authors."""

import io

import numpy as np
from PIL import Image

CLOTHING_CLASSES = 14


def picture(label, random, size=48):
    """An image whose class is given by its colour and background.

    The class is the same for mirrored and cropped images.
    """
    dark, color = divmod(label, 7)
    pixels = random.randint(0, 90, (size, size, 3)) + 70 * dark
    third = size // 3
    row, column = random.randint(third // 2, 2 * third - third // 2, 2)
    patch = pixels[row : row + third, column : column + third]
    for channel in range(3):
        # Seven colours: one, two or all three of the channels.
        patch[..., channel] = 230 * ((color + 1) >> channel & 1)
    return Image.fromarray(pixels.astype(np.uint8))


def jpeg():
    """The content of a JPEG file of a small grey picture."""
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), "grey").save(stream, "JPEG")
    return stream.getvalue()


def clothing1m(root, train=700, judged=140, rate=0.3, seed=0):
    """Writes a data set in the layout of Clothing1M.

    Noisy labels are those of the next class.

    Args:
        root: `Path`, folder to write to.
        train: int, number of images with noisy labels; their true labels are
            known, so that detection can be evaluated.
        judged: int, number of images of each clean set.
        rate: float, rate of noisy labels.
        seed: int, seed of images and labels.

    Returns:
        Float, share of noisy labels.
    """
    random = np.random.RandomState(seed)
    lists = {"noisy_train": train, "clean_val": judged, "clean_test": judged}
    noisy, clean, wrong = [], [], 0
    number = 0
    for name, count in lists.items():
        keys = []
        for _ in range(count):
            label = number % CLOTHING_CLASSES
            key = f"images/{number % 10}/{number:06d}.jpg"
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(label, random).save(path, quality=95)
            keys.append(key)
            clean.append(f"{key} {label}")
            if name == "noisy_train":
                given = label
                if random.uniform() < rate:
                    given = (label + 1) % CLOTHING_CLASSES
                    wrong += 1
                noisy.append(f"{key} {given}")
            number += 1
        (root / f"{name}_key_list.txt").write_text("\n".join(keys) + "\n")
    (root / "noisy_label_kv.txt").write_text("\n".join(noisy) + "\n")
    (root / "clean_label_kv.txt").write_text("\n".join(clean) + "\n")
    return wrong / train
