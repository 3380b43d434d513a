"""Small folders in the layouts that the TFDS builders read."""

import numpy as np
import tensorflow_datasets as tfds

from noisy_keras.data import builders
from tests import drawn

IMAGENET_ROWS = 30


def write(root, path, text):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def draw(root, paths, size=12):
    """Generates a different image for each path."""
    random = np.random.RandomState(len(paths))
    for number, path in enumerate(paths):
        path = root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn.picture(number % 14, random, size).save(path, format="JPEG")


def clothing1m(root):
    """12 training, 5 validation, 5 test and 4 clean training images.

    Two of training are in validation and test, two in clean training; of
    four known labels one is wrong.
    """
    keys = [f"images/{i % 3}/{i:03d}.jpg" for i in range(24)]
    draw(root, keys)
    lists = {
        "noisy_train": keys[:12],
        "clean_val": keys[11:16],
        "clean_test": [keys[10], *keys[16:20]],
        "clean_train": [*keys[8:10], *keys[20:22]],
    }
    for name, part in lists.items():
        write(root, f"{name}_key_list.txt", "\n".join(part))
    labels = [f"{key} {i % 14}" for i, key in enumerate(keys)]
    write(root, "clean_label_kv.txt", "\n".join(labels[8:22]))
    labels[8] = f"{keys[8]} 0"
    write(root, "noisy_label_kv.txt", "\n".join(labels[:12]))
    for key in keys[22:]:
        (root / key).unlink()


def clothing1m_flat(root):
    """The variant with one list per split, in annotations/."""
    keys = [f"{i % 3}/{i}.jpg" for i in range(9)]
    draw(root / "images", keys)
    for number, name in enumerate(("noisy_train", "clean_val", "clean_test")):
        part = keys[3 * number : 3 * number + 3]
        lines = [f"images/{key} {i}" for i, key in enumerate(part)]
        write(root, f"annotations/{name}.txt", "\n".join(lines))


def animal10n(root):
    training = [f"training/{i % 10}_{i}.jpg" for i in range(11)]
    draw(root, [*training, "testing/3_1.jpg", "testing/9_2.JPG"])


def webvision(root):
    draw(
        root,
        [
            "google/q1/a.jpg",
            "google/q2/b b.jpg",
            "google/q3/c.jpg",
            "flickr/q1/d.jpg",
            "val_images_256/v1.jpg",
            "val_images_256/v2.jpg",
        ],
    )
    google = "google/q1/a.jpg 0\ngoogle/q2/b b.jpg 49\ngoogle/q3/c.jpg 50\n"
    write(root, "info/train_filelist_google.txt", google)
    write(root, "info/train_filelist_flickr.txt", "flickr/q1/d.jpg 999\n")
    write(root, "info/val_filelist.txt", "v1.jpg 1\nv2.jpg 70\n")
    write(root, "info/synsets.txt", synset_lines())


def synset_lines():
    labels = "datasets/imagenet2012/labels.txt"
    ids = tfds.core.tfds_path(labels).read_text().split()
    return "".join(f"{synset} name {i}\n" for i, synset in enumerate(ids))


def food_names():
    labels = "image_classification/food-101_classes.txt"
    return tfds.core.tfds_path(labels).read_text().split()


def food101n(root):
    keys = ["apple_pie/a.jpg", "waffles/b.jpg", "cheesecake/c.jpg"]
    draw(root / "images", keys)
    test = ["waffles/1", "apple_pie/2"]
    draw(root / "food-101/images", [f"{key}.jpg" for key in test], size=13)
    write(root, "food-101/meta/test.txt", "\n".join(test))
    head = "class_name\n"
    write(root, "meta/classes.txt", head + "\n".join(food_names()))
    write(root, "meta/imagelist.tsv", "class_name/key\n" + "\n".join(keys))
    head = "class_name/key\tverification_label\n"
    write(root, "meta/verified_train.tsv", f"{head}waffles/b.jpg\t1\n")
    write(root, "meta/verified_val.tsv", f"{head}apple_pie/a.jpg\t0\n")


def imagenet(root, size, saved=np.savez):
    """Eleven batches of 30 images, half of them of DRPL's 100 classes."""
    random = np.random.RandomState(0)
    order = np.random.RandomState(42).permutation(1000)
    labels = 1 + order[40:160]
    names = [f"train_data_batch_{i}" for i in range(1, 11)]
    root.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate([*names, "val_data"]):
        saved(
            root / f"{name}.npz",
            data=random.randint(
                0, 256, (IMAGENET_ROWS, 3 * size * size), np.uint8
            ),
            labels=np.roll(labels, 7 * number)[:: 120 // IMAGENET_ROWS],
            mean=np.zeros(3 * size * size),
        )


def prepare(name, tmp_path, config=None, out="out", **options):
    """Prepares tmp_path/out from tmp_path/in."""
    builder = builders.BY_NAME[name](
        data_dir=tmp_path / out, config=config, **options
    )
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=tmp_path / "in",
            compute_stats=tfds.download.ComputeStatsMode.SKIP,
        )
    )
    return builder


def read(builder, split, decoders=None):
    """Returns examples by id."""
    dataset = builder.as_dataset(split=split, decoders=decoders)
    examples = list(dataset.as_numpy_iterator())
    return {example["id"].decode(): example for example in examples}
