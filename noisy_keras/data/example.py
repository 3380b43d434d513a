"""Writes a folder of pictures with wrong labels, to try things on.

python -m noisy_keras.data.example pictures

Scikit-learn's handwritten digits, 1797 pictures, become
`pictures/<label>/<number>.png`, where 27 % of the labels are wrong;
`pictures/labels.csv` holds path, label and true label of each;
`pictures/checked.csv` path and right label of 20 of each class, as if a person
had looked at them.
"""

import csv
import os
import sys

import numpy as np

from noisy_keras.data.noise import SymmetricNoise

# Of each class.
_CHECKED = 20


def write(folder, rate=0.3, seed=0):
    """Writes the pictures and the list of labels.

    Args:
        folder: to be made; must not exist.
        rate: nominal, of symmetric noise.
        seed: of the noise.

    Returns:
        Number of pictures.

    Raises:
        FileExistsError: something is there.
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
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def main(arguments):
    """Writes to the folder that is named; returns the exit status."""
    if len(arguments) != 1 or os.path.exists(arguments[0]):
        got = " ".join(arguments) or "nothing"
        print(
            f"error: expected the name of a folder that is not there yet; got "
            f"{got}",
            file=sys.stderr,
        )
        return 2
    count = write(arguments[0])
    print(f"{count} pictures, labels.csv and checked.csv in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
