"""Sources whose images are files, read by path when they are needed."""

import copy
import threading

import numpy as np
import tensorflow as tf

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.io import decoding
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

# ImageNet's, the field's for photographs.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

#: Share of unreadable pictures that a source bears.
TOLERATED = 0.01


class FileSource(Source):
    """A `Source` over picture files.

    A picture that cannot be decoded is shown black and entered in
    `unreadable`; past 1 % it is an error. `readable` leaves out beforehand
    what the first bytes of a file tell.

    Args:
        paths: N file names, absolute or relative to `root`.
        labels: int `[N]`.
        class_names: K strings.
        root: folder of relative paths.
        image_size: S, side of the images in pixels. Files are brought to
            `8 / 7 S` on their shorter side (256 for 224), of which views take
            random crops, and `fetch` the middle.
        **options: as of `Source`.

    Attributes:
        unreadable: dict from path to the reason, shared with subsets.
    """

    def __init__(
        self,
        paths,
        labels,
        class_names,
        *,
        root="",
        image_size=64,
        **options,
    ):
        if image_size < 8:
            raise ConfigurationError(
                "Expected images of at least 8 pixels. "
                f"Received: image_size={image_size}"
            )
        paths = np.asarray([str(p) for p in paths], object)
        options.setdefault("ids", paths)
        options.setdefault("pixel_mean", _MEAN)
        options.setdefault("pixel_std", _STD)
        options.setdefault("augmentation", Augmentation())
        super().__init__(
            labels,
            class_names,
            (image_size, image_size, 3),
            paths=paths,
            **options,
        )
        checks.same_length(paths=paths, labels=self.labels)
        self.root = str(root)
        self.unreadable = {}
        self._total = len(paths)
        self._lock = threading.Lock()

    @property
    def margin(self):
        """Pixels around the image that views may crop into."""
        return max(1, round(self.image_shape[0] / 14))

    def fetch(self, index):
        margin = self.margin
        images = self.fetch_with_margin(index)
        return images[:, margin:-margin, margin:-margin]

    def fetch_with_margin(self, index):
        size = self.image_shape[0] + 2 * self.margin
        index = tf.convert_to_tensor(index)
        images = tf.numpy_function(
            lambda rows: self._read(rows, size), [index], tf.uint8
        )
        return tf.ensure_shape(images, [index.shape[0], size, size, 3])

    def resized(self, size):
        """A new source of square images of another size.

        Args:
            size: side in pixels.

        Returns:
            A `FileSource`.
        """
        source = copy.copy(self)
        source.image_shape = (int(size), int(size), 3)
        return source

    def readable(self):
        """Leaves out files that are empty or no pictures, by their start.

        Returns:
            A `FileSource`, this one where all are well.

        Raises:
            ValueError: more than 1 % are unreadable.
        """
        problems = decoding.check_headers(self._full(self.paths))
        if not problems:
            return self
        self._note({self.paths[i]: why for i, why in problems.items()})
        keep = np.setdiff1d(np.arange(self.num_samples), list(problems))
        return self.subset(keep)

    def _full(self, paths):
        return [tf.io.gfile.join(self.root, path) for path in paths]

    def _read(self, rows, size):
        paths = self.paths[rows]
        images, problems = decoding.read_files(self._full(paths), size)
        if problems:
            self._note({paths[i]: why for i, why in problems.items()})
        return images

    def _note(self, problems):
        with self._lock:
            self.unreadable.update(problems)
        count = len(self.unreadable)
        if count > max(1, TOLERATED * self._total):
            shown = list(self.unreadable.items())[:3]
            told = "; ".join(f"{path}: {why}" for path, why in shown)
            raise ConfigurationError(
                f"Expected at most {TOLERATED:.0%} of unreadable pictures. "
                f"Received: {count} of {self._total} in {self.root or '.'}, "
                f"such as {told}. Repair or remove them."
            )

    def _select(self, index):
        pass  # Paths are a field, which a subset has selected already.
