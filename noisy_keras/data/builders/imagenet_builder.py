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

# The synset ids by label. The npz release has an order of its own, which TFDS
# has in a file.
_SYNSETS = "image_classification/imagenet_resized_labels.txt"


def synsets() -> list[str]:
    """Returns ImageNet's synset ids in the order of the npz release's labels.

    Returns:
        List of 1,000 str such as `"n02119789"`.
    """
    return tfds.core.tfds_path(_SYNSETS).read_text().split()


class ImageNetBuilder(  # type: ignore[call-arg]
    base.NoisyLabelsBuilder, skip_registration=True
):
    """A TFDS builder for the npz release of downsampled ImageNet.

    The labels are clean, so `clean_label` equals `label`. Label noise is added
    afterwards, with `noisy_keras.data`.

    Attributes:
        SIZE: int, width and height of the images in pixels.
    """

    SIZE = 0
    HOMEPAGE = "https://patrykchrabaszcz.github.io/Imagenet32/"
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(
            name="drpl",
            description="the 100 classes that DRPL draws and trains on, in "
            "the order in which it draws them",
        ),
        tfds.core.BuilderConfig(
            name="drpl_foreign",
            description="the other 900 classes, whose images are DRPL's "
            "out-of-distribution samples",
        ),
        tfds.core.BuilderConfig(name="full", description="all 1,000 classes"),
    ]

    def _classes(self):
        """Returns the release's label of each class of this config."""
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
                f"Expected only the files of {self.name}. Received: "
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
            used = np.concatenate(parts)
            used = used[used >= 0]
            self._note_labels(split, used, used)
        return {
            split: self._generate_examples(paths, labels[split])
            for split, paths in batches.items()
        }

    def _roots(self, dl_manager):
        try:
            manual_dir = dl_manager.manual_dir
        except AssertionError:  # Raised by TFDS where no folder is set.
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
