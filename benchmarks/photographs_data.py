"""Photographs cut from real pictures that come with Python packages.

Crops of ten pictures of scikit-learn, Matplotlib and scikit-image, in six
classes of uneven size.
"""

import csv
import os

import numpy as np
from PIL import Image

#: Number of photographs per class, and the pictures that they are cut from.
CLASSES = {
    "building": (320, ("china",)),
    "flower": (240, ("flower",)),
    "person": (180, ("astronaut", "grace_hopper")),
    "cat": (130, ("chelsea",)),
    "coffee": (80, ("coffee",)),
    "space": (50, ("rocket", "hubble_deep_field")),
}
#: New pictures of each class.
NEW = 60
#: Side of a crop, as a share of the shorter side of its picture.
SCALES = (0.25, 0.6)


def picture(name):
    """One of the packages' pictures, in RGB."""
    if name in ("china", "flower"):
        from sklearn import datasets

        return Image.fromarray(datasets.load_sample_image(f"{name}.jpg"))
    if name == "grace_hopper":
        from matplotlib import cbook

        with cbook.get_sample_data("grace_hopper.jpg") as stream:
            return Image.open(stream).convert("RGB")
    from skimage import data

    return Image.fromarray(getattr(data, name)()[..., :3])


def draw(folder, seed, classes, share):
    """Writes the photographs, and new ones of known classes to predict.

    Args:
        folder: str, gets `pictures/CLASS/*.jpg`, `truth.csv` of
            `path,label,true_label`, `new/*.jpg` and `new.csv` of `path,label`.
        seed: int.
        classes: dict such as `CLASSES`.
        share: float in `[0, 1)`, share of wrong labels.
    """
    if os.path.exists(os.path.join(folder, "new.csv")):
        return
    random = np.random.default_rng(seed)
    names = list(classes)
    rows, new = [], []
    for number, (name, (count, pictures)) in enumerate(classes.items()):
        sources = [picture(p) for p in pictures]
        labels = given_labels(number, len(names), count, share, random)
        for index in range(count + NEW):
            image = crop(sources[index % len(sources)], random)
            # The name of a file does not give its class away.
            file = f"{random.integers(10**9):09d}.jpg"
            if index < count:
                label = names[labels[index]]
                rows.append((f"{label}/{file}", label, name))
                path = os.path.join(folder, "pictures", label, file)
            else:
                new.append((f"new/{file}", name))
                path = os.path.join(folder, "new", file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            image.save(path, quality=90)
    write(folder, "truth.csv", [("path", "label", "true_label"), *rows])
    write(folder, "new.csv", [("path", "label"), *new])


def given_labels(true_class, classes, count, share, random):
    """Labels of a class's samples: a share are those of other classes."""
    wrong = round(share * count)
    others = [c for c in range(classes) if c != true_class]
    labels = np.full(count, true_class)
    labels[: wrong // 2] = (true_class + 1) % classes
    labels[wrong // 2 : wrong] = random.choice(others, wrong - wrong // 2)
    random.shuffle(labels)
    return labels


def crop(image, random):
    """A part of a picture as a photograph of 96 pixels."""
    side = int(min(image.size) * random.uniform(*SCALES))
    left = random.integers(image.width - side + 1)
    top = random.integers(image.height - side + 1)
    part = image.crop((left, top, left + side, top + side))
    if random.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return part.resize((96, 96), Image.BICUBIC)


def write(folder, name, rows):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
