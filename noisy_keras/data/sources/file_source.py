"""Sources whose images are files, which are read when they are needed."""

import collections.abc
import copy
import os
from typing import Any
from typing import Self

import numpy as np
import tensorflow as tf

from noisy_keras.data.augment import Augmentation
from noisy_keras.data.io import checking
from noisy_keras.data.io import decoding
from noisy_keras.data.io import prints as prints_module
from noisy_keras.data.sources import unreadable as unreadable_module
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike

# Mean and standard deviation of ImageNet, the usual choice for photographs.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)

#: Tolerated share of unreadable images.
TOLERATED = unreadable_module.TOLERATED
#: Decoding more files than this in advance would take too long: then only their
#: first and last bytes are checked.
MOST_DECODED = 100_000


class FileSource(Source):
    """A `Source` of image files.

    `readable` checks all files in advance and leaves out those that cannot be
    read. A file that cannot be read later is black; `unreadable` has it, and a
    warning names it. If more files are unreadable than `max_unreadable` allows,
    reading raises an error.

    Args:
        paths: sequence of N str, paths of the files, absolute or relative to
            `root`.
        labels: int array `[N]`, the given labels.
        class_names: sequence of K str.
        root: str, folder of relative paths.
        image_size: int, at least 8, side S of the images in pixels. The
            shorter side of each file is resized to about `8 / 7 S` (256 for
            224). Views take random crops of that; `fetch` takes the centre.
        max_unreadable: number of files that may be unreadable (int), or
            their share (float below 1). Defaults to 1 %, and at least one.
        **options: further arguments of `Source`. `ids` default to the paths,
            `pixel_mean` and `pixel_std` to those of ImageNet.

    Attributes:
        prints: `Prints` of the N files, if `readable` decoded them; or None.
        checked: str, what `readable` checked: `"whole"` files, their
            `"ends"`, or `""` before.
    """

    def __init__(
        self,
        paths: collections.abc.Iterable[str],
        labels: ArrayLike,
        class_names: collections.abc.Sequence[str],
        *,
        root: str | os.PathLike = "",
        image_size: int = 64,
        max_unreadable: float | None = None,
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
        self.prints: prints_module.Prints | None = None
        self.checked = ""
        self._unreadable = unreadable_module.Unreadable(
            len(paths), max_unreadable
        )

    @property
    def unreadable(self) -> dict[str, str]:
        """Files that cannot be read: paths and reasons, shared with subsets."""
        return self._unreadable.found

    @property
    def unreadable_samples(self) -> np.ndarray:
        """Samples whose files could not be read, bool array `[N]`."""
        found = self._unreadable.found
        names = self._names
        return np.fromiter((name in found for name in names), bool, len(names))

    @property
    def _names(self):
        """What `unreadable` calls the samples."""
        return self.paths

    @property
    def most_unreadable(self) -> float:
        """Largest number of unreadable files that is tolerated."""
        return self._unreadable.limit

    @property
    def failure(self) -> ConfigurationError | None:
        """The error that too many unreadable files have raised, or None."""
        return self._unreadable.failure

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
        """Leaves out files that are not whole pictures.

        All files are decoded; of more than 100,000, only the first and the
        last bytes are read.

        Returns:
            A `FileSource`.

        Raises:
            ValueError: more images are unreadable than `max_unreadable`.
        """
        if self.checked:
            return self
        paths = np.asarray(self.paths)
        prints, checked = None, "ends"
        if len(paths) > MOST_DECODED:
            problems = checking.check_ends(self._full(paths))
        else:
            problems, prints = checking.check_whole(self._full(paths))
            checked = "whole"
        if problems:
            self._note({paths[i]: why for i, why in problems.items()}, True)
        source = copy.copy(self)
        source.checked, source.prints = checked, prints
        if not problems:
            return source
        keep = np.setdiff1d(np.arange(self.num_samples), list(problems))
        return source.subset(keep)

    def _full(self, paths):
        return [os.path.join(self.root, path) for path in paths]

    def _read(self, rows, size):
        paths = self.paths[rows]
        images, problems = decoding.read_files(self._full(paths), size)
        if problems:
            self._note({paths[i]: why for i, why in problems.items()})
        return images

    def _note(self, problems, expected=False):
        self._unreadable.note(problems, self.root or ".", expected)

    def _select(self, index):
        # `subset` has already selected the paths.
        if self.prints is not None:
            self.prints = self.prints[index]
