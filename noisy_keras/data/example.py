"""Writes an example data set: a folder of images with noisy labels.

python -m noisy_keras.data.example pictures

Scikit-learn's 1797 images of handwritten digits are written to
`pictures/<label>/<number>.png`, with 27 % wrong labels. `pictures/labels.csv`
lists path, given label and true label of each image; `pictures/checked.csv`
lists path and true label of 20 images of each class, as an example of labels
that a person has verified.
"""

import collections.abc
import os
import sys

import numpy as np

from noisy_keras.data.io import csv_rows
from noisy_keras.data.noise import SymmetricNoise

# Number of verified images of each class.
_CHECKED = 20


def write(folder: str | os.PathLike, rate: float = 0.3, seed: int = 0) -> int:
    """Writes the images and the lists of labels.

    Args:
        folder: str, path of a folder that does not exist yet.
        rate: float in `[0, 1)`, nominal noise rate of the symmetric noise.
        seed: int, seed of the noise.

    Returns:
        int, number of images.

    Raises:
        FileExistsError: `folder` exists.
    """
    # Imported here: only this example needs them.
    from PIL import Image
    from sklearn import datasets

    digits = datasets.load_digits()
    labels = SymmetricNoise(rate, seed).apply(digits.target)
    os.makedirs(folder)
    rows = []
    pixels = (digits.images * (255.0 / 16.0)).round().astype(np.uint8)
    for number, (image, label, true) in enumerate(
        zip(pixels, labels, digits.target, strict=True)
    ):
        path = f"{label}/{number:04d}.png"
        os.makedirs(os.path.join(folder, str(label)), exist_ok=True)
        picture = Image.fromarray(image).resize((32, 32))
        picture.save(os.path.join(folder, path))
        rows.append((path, label, true))
    _write(folder, "labels.csv", ("path", "label", "true_label"), rows)
    checked = [
        (path, true)
        for c in range(10)
        for path, _, true in [r for r in rows if r[2] == c][:_CHECKED]
    ]
    _write(folder, "checked.csv", ("path", "label"), checked)
    return len(rows)


def _write(folder, name, columns, rows):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv_rows.write(stream, columns, rows)


def main(arguments: collections.abc.Sequence[str]) -> int:
    """Runs the command.

    Args:
        arguments: sequence of str, the command line arguments.

    Returns:
        int, the exit status: 0, or 2 if the arguments are wrong.
    """
    if len(arguments) != 1 or os.path.exists(arguments[0]):
        got = " ".join(arguments) or "nothing"
        print(
            f"error: expected the name of a folder that does not exist; got "
            f"{got}",
            file=sys.stderr,
        )
        return 2
    count = write(arguments[0])
    print(f"{count} pictures, labels.csv and checked.csv in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
