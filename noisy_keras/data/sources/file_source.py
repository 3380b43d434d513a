"""Sources whose images are files, which are read when they are needed."""

import collections.abc
import copy
import os
import threading
from typing import Any
from typing import Self

import numpy as np
import tensorflow as tf

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.io import decoding
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike

# Mean and standard deviation of ImageNet, the usual choice for photographs.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

#: Tolerated share of unreadable images.
TOLERATED = 0.01


class FileSource(Source):
    """A `Source` of image files.

    An image that cannot be decoded is black and listed in `unreadable`. If
    more than 1 % of the images are unreadable, reading raises an error.
    `readable` checks the first bytes of all files in advance.

    Args:
        paths: sequence of N str, paths of the files, absolute or relative to
            `root`.
        labels: int array `[N]`, the given labels.
        class_names: sequence of K str.
        root: str, folder of relative paths.
        image_size: int, at least 8, side S of the images in pixels. The
            shorter side of each file is resized to about `8 / 7 S` (256 for
            224). Views take random crops of that; `fetch` takes the centre.
        **options: further arguments of `Source`. `ids` default to the paths,
            `pixel_mean` and `pixel_std` to those of ImageNet.

    Attributes:
        unreadable: dict from path (str) to the reason (str), shared with
            subsets.
    """

    def __init__(
        self,
        paths: collections.abc.Iterable[str],
        labels: ArrayLike,
        class_names: collections.abc.Sequence[str],
        *,
        root: str | os.PathLike = "",
        image_size: int = 64,
        **options: Any,
    ) -> None:
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
        self.unreadable: dict[str, str] = {}
        self._total = len(paths)
        self._lock = threading.Lock()

    @property
    def margin(self) -> int:
        """Width in pixels of the border from which views can be cropped."""
        return max(1, round(self.image_shape[0] / 14))

    def fetch(self, index: TensorLike) -> tf.Tensor:
        margin = self.margin
        images = self.fetch_with_margin(index)
        return images[:, margin:-margin, margin:-margin]

    def fetch_with_margin(self, index: TensorLike) -> tf.Tensor:
        size = self.image_shape[0] + 2 * self.margin
        index = tf.convert_to_tensor(index)
        images = tf.numpy_function(
            lambda rows: self._read(rows, size), [index], tf.uint8
        )
        return tf.ensure_shape(images, [index.shape[0], size, size, 3])

    def resized(self, size: int) -> Self:
        """Makes a source of square images of another size.

        Args:
            size: int, side in pixels.

        Returns:
            A `FileSource`.
        """
        source = copy.copy(self)
        source.image_shape = (int(size), int(size), 3)
        return source

    def readable(self) -> Self:
        """Leaves out files that are empty or not images.

        Only the first bytes of each file are read.

        Returns:
            A `FileSource`; this one if all files are readable.

        Raises:
            ValueError: more than 1 % of the images are unreadable.
        """
        paths = np.asarray(self.paths)
        problems = decoding.check_headers(self._full(paths))
        if not problems:
            return self
        self._note({paths[i]: why for i, why in problems.items()})
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
            listing = "; ".join(f"{path}: {why}" for path, why in shown)
            raise ConfigurationError(
                f"Expected at most {TOLERATED:.0%} of unreadable images. "
                f"Received: {count} of {self._total} in {self.root or '.'}, "
                f"such as {listing}. Repair or remove them."
            )

    def _select(self, index):
        pass  # `subset` has already selected the paths.
