"""TFDS builders of ImageNet32 and ImageNet64."""

import itertools
import os
import warnings

import numpy as np
import tensorflow_datasets as tfds

from noisy_keras.data.builders import base
from noisy_keras.data.layouts import imagenet
from noisy_keras.data.layouts import listing
from noisy_keras.utils.errors import ConfigurationError

_URL = "https://image-net.org/data/downsample/"

# By label: where TFDS keeps the order of this release, which is its own.
_SYNSETS = "image_classification/imagenet_resized_labels.txt"


def synsets():
    """ImageNet's synset ids in the order of this release's labels.

    Returns:
        List of 1,000 strings such as `"n02119789"`.
    """
    return tfds.core.tfds_path(_SYNSETS).read_text().split()


class ImageNetBuilder(base.NoisyLabelsBuilder, skip_registration=True):
    """A TFDS builder over the npz release.

    The labels are clean; `noisy_keras.data` has the noise that papers put on
    them. `clean_label` is `label`.

    Attributes:
        SIZE: width and height in pixels.
    """

    SIZE = 0
    HOMEPAGE = "https://patrykchrabaszcz.github.io/Imagenet32/"
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(
            name="drpl",
            description="the 100 classes that DRPL draws and trains on, "
            "numbered in its order",
        ),
        tfds.core.BuilderConfig(
            name="drpl_foreign",
            description="the other 900 classes, whose pictures DRPL takes for "
            "those that belong to no class",
        ),
        tfds.core.BuilderConfig(name="full", description="all 1,000 classes"),
    ]

    def _classes(self):
        """Labels of the release, by label here."""
        chosen, others = imagenet.drpl_classes()
        return {
            "drpl": chosen,
            "drpl_foreign": others,
            "full": np.arange(imagenet.NUM_CLASSES),
        }[self.builder_config.name]

    def _features(self):
        names = synsets()
        names = [names[i] for i in self._classes()]
        return {
            "image": tfds.features.Image(
                shape=(self.SIZE, self.SIZE, 3), encoding_format="png"
            ),
            "id": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=names),
            "clean_label": tfds.features.ClassLabel(names=names),
        }

    def _split_generators(self, dl_manager):
        roots = self._roots(dl_manager)
        batches, surplus = imagenet.find_batches(roots, self.SIZE)
        if surplus:
            shown = ", ".join(surplus[:3]) + (", ..." if surplus[3:] else "")
            warnings.warn(
                f"Expected the files of {self.name} alone. Received: "
                f"{len(surplus)} other npz files ({shown}). They are left "
                "out.",
                stacklevel=2,
            )
        self._check_class_map(roots)
        labels = {
            split: [imagenet.read_labels(path, self.SIZE) for path in paths]
            for split, paths in batches.items()
        }
        counts = {split: sum(map(len, part)) for split, part in labels.items()}
        self._check_counts(counts, imagenet.COUNTS)
        self.info.metadata["surplus"] = len(surplus)
        new_label = np.full(imagenet.NUM_CLASSES, -1)
        new_label[self._classes()] = np.arange(len(self._classes()))
        labels = {
            split: [new_label[part] for part in parts]
            for split, parts in labels.items()
        }
        for split, parts in labels.items():
            kept = np.concatenate(parts)
            kept = kept[kept >= 0]
            self._note_labels(split, kept, kept)
        return {
            split: self._generate_examples(paths, labels[split])
            for split, paths in batches.items()
        }

    def _roots(self, dl_manager):
        try:
            manual_dir = dl_manager.manual_dir
        except AssertionError:  # TFDS' way to say that there is none.
            urls = [_URL + name for name in imagenet.archives(self.SIZE)]
            return [
                os.fspath(folder)
                for folder in dl_manager.download_and_extract(urls)
            ]
        return [self._own_folder(manual_dir)]

    def _check_class_map(self, roots):
        for root in roots:
            path = listing.find_file(root, "map_clsloc.txt")
            if path and imagenet.read_class_map(path) != tuple(synsets()):
                raise ConfigurationError(
                    f"Expected the release's 1,000 classes in {path}. "
                    "Received: other synset ids, or another order"
                )

    def _generate_examples(self, paths, labels):
        for path, batch in zip(paths, labels, strict=True):
            name = os.path.basename(path).removesuffix(".npz")
            images = imagenet.read_images(path, self.SIZE)
            rows = zip(images, batch.tolist(), itertools.count())
            for image, label, row in rows:
                if label >= 0:
                    key = f"{name}/{row:06d}"
                    yield (
                        key,
                        {
                            "image": image,
                            "id": key,
                            "label": label,
                            "clean_label": label,
                        },
                    )
