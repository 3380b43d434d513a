"""Sources whose images are held in memory."""

import collections.abc
import copy
from typing import Any
from typing import Self

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import class_labels
from noisy_keras.data.io import given_labels
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.errors import warn_about_data
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike

#: Bytes up to which resized images are kept. Larger ones are made when they
#: are fetched: CIFAR-10 at 160 pixels would take 3.6 GiB.
_KEPT = 2**29


class ArraySource(Source):
    """A `Source` of images in an array.

    Args:
        images: array-like `[N, H, W, C]` or `[N, H, W]`, as in `from_arrays`.
        labels: int array `[N]`, the given labels.
        class_names: sequence of K str.
        pixel_scale: float, the value of a white pixel where the images are all
            black and do not tell it; or None.
        **options: further arguments of `Source`. `pixel_mean` and `pixel_std`
            default to those of the images.
    """

    def __init__(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        class_names: collections.abc.Sequence[str],
        *,
        pixel_scale: float | None = None,
        **options: Any,
    ) -> None:
        images, pixel_scale = checks.images(images, pixel_scale)
        labels = given_labels.as_array(labels)
        checks.same_length(images=images, labels=np.atleast_1d(labels))
        mean, std = _statistics(images, pixel_scale)
        options.setdefault("pixel_mean", mean)
        options.setdefault("pixel_std", std)
        super().__init__(
            labels,
            class_names,
            images.shape[1:],
            pixel_scale=pixel_scale,
            **options,
        )
        # On the CPU, even if there is an accelerator: only batches are copied
        # to it, never the whole set.
        with tf.device("CPU"):
            self._images = tf.constant(images)
        self._rows: tf.Tensor | None = None
        self._side: int | None = None

    def fetch(self, index: TensorLike) -> tf.Tensor:
        index = tf.cast(index, tf.int64)
        if self._rows is not None:
            index = tf.gather(self._rows, index)
        images = tf.gather(self._images, index)
        return images if self._side is None else _resize(images, self._side)

    def resized(self, size: int) -> Self:
        """Makes a source of square images of another size.

        Args:
            size: int, side in pixels.

        Returns:
            An `ArraySource` of images resized bilinearly with antialiasing,
            in the same value range; this source if it has that size. Images
            of more than 512 MiB are resized each time they are fetched, so
            that they do not take that memory.
        """
        if self.image_shape[:2] == (size, size):
            return self
        source = copy.copy(self)
        source.image_shape = (size, size, self.image_shape[-1])
        source._side = size
        pixels = self.num_samples * size * size * self.image_shape[-1]
        if pixels * self._images.dtype.size > _KEPT:
            return source
        rows = np.arange(self.num_samples)
        with tf.device("CPU"):
            source._images = tf.concat(
                [
                    source.fetch(part)
                    for part in np.array_split(rows, -(-len(rows) // 1000))
                ],
                axis=0,
            )
        source._rows = source._side = None
        return source

    def _select(self, index):
        # Subsets share the images of the whole source.
        if self._rows is not None:
            index = self._rows.numpy()[index]
        with tf.device("CPU"):
            self._rows = tf.constant(index, tf.int64)


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike,
    true_labels: ArrayLike | None = None,
    class_names: collections.abc.Sequence[str] | None = None,
    sample_weight: ArrayLike | None = None,
    **options: Any,
) -> ArraySource:
    """Makes a source from arrays.

    The classes are the labels that occur, in `labels` or `true_labels`: in
    the order of numbers if all of them are integers, else sorted as text.

    Args:
        images: array `[N, H, W, C]` or `[N, H, W]` with one or three channels,
            uint8, or float in `[0, 255]` or `[0, 1]`.
        labels: the given labels, which may be wrong, in any of these forms:
            integers `[N]` or `[N, 1]`, also as floats; text; one-hot rows or
            distributions `[N, K]`, see `Source.relabel`.
        true_labels: the true labels in the same form but no distributions, -1
            or missing where unknown; or None. They are used for metrics only.
        class_names: sequence of K str, the classes in order, if there are
            classes without samples or other names. Text is looked up among
            them. Integers are the numbers of the classes in `[0, K)`, or else
            their names.
        sample_weight: float array `[N]`, see `Source.with_sample_weights`; or
            None.
        **options: `ids`, `name`, `pixel_mean`, `pixel_std`, `augmentation`, as
            in `Source`.

    Returns:
        A `Source`.

    Raises:
        ValueError: arrays have another shape, type or length; pixels are not
            finite; labels are missing or no classes; or there are fewer than
            two classes.

    Example:
        >>> images = np.zeros((6, 8, 8, 3), np.uint8)
        >>> source = from_arrays(images, [0, 1, 2, 0, 1, 2])
        >>> source
        <ArraySource 'source': 6 images (8, 8, 3), 3 classes>
    """
    checks.images(images)
    soft = given_labels.distributions(labels, class_names)
    if soft is not None:
        # Numbers of classes alone might be taken for names.
        width = soft.shape[1]
        labels = np.eye(width, dtype=np.uint8)[soft.argmax(axis=1)]
        class_names = class_names or [str(c) for c in range(width)]
    found = class_labels.encode(labels, class_names, true_labels=true_labels)
    warn_about_data(found.notes)
    source = ArraySource(
        images,
        found.labels if soft is None else soft,
        found.class_names,
        true_labels=found.true_labels,
        **options,
    )
    if sample_weight is None:
        return source
    return source.with_sample_weights(sample_weight)


def from_dataset(
    dataset: tf.data.Dataset,
    num_classes: int | None = None,
    **options: Any,
) -> ArraySource:
    """Makes a source from a `tf.data.Dataset`, which is read into memory once.

    Args:
        dataset: finite `tf.data.Dataset` of `(image, label)` or of `(image,
            label, sample_weight)`, batched or not, with labels in any form
            that `from_arrays` takes. The order of this first iteration
            determines the index of each sample.
        num_classes: int, number of classes K, whose labels are the integers
            in `[0, K)`, or K names. Defaults to the classes that occur.
        **options: further arguments of `from_arrays`.

    Returns:
        A `Source`.

    Raises:
        ValueError: the elements have another structure, or the dataset is
            empty or infinite.
    """
    images, labels, weights, _ = read(dataset)
    if num_classes is not None and "class_names" not in options:
        given = given_labels.read(labels, num_classes=num_classes)
        options["class_names"] = given.class_names or [
            str(c) for c in range(num_classes)
        ]
    return from_arrays(images, labels, sample_weight=weights, **options)


def read(
    dataset: tf.data.Dataset,
    vectors: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, int | None]:
    """Reads a dataset into arrays.

    Args:
        dataset: as of `from_dataset`.
        vectors: as of `is_batched`.

    Returns:
        Images, labels, and weights or None, as they are; and the dataset's
        batch size, None where it is not batched.

    Raises:
        ValueError: as of `from_dataset`.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise ConfigurationError(
            "Expected a dataset of (image, label) or of (image, label, "
            f"sample_weight). Received: elements {spec}"
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ConfigurationError(
            "Expected a finite dataset. Received: an infinite one; leave out "
            "`repeat()`, because epochs repeat the dataset."
        )
    batched = is_batched(dataset, vectors)
    if not batched:
        dataset = dataset.batch(256)
    parts = list(dataset.as_numpy_iterator())
    if not parts:
        raise ConfigurationError(
            "Expected a dataset with elements. Received: none"
        )
    images, labels, *weights = (
        np.concatenate(p) for p in zip(*parts, strict=True)
    )
    size = len(parts[0][0]) if batched else None
    return images, labels, weights[0] if weights else None, size


def is_batched(dataset: tf.data.Dataset, vectors: bool = False) -> bool:
    """Whether a dataset of `(image, ...)` yields batches.

    Args:
        dataset: `tf.data.Dataset` of tuples.
        vectors: bool, whether samples are vectors of features.

    Returns:
        bool; True where neither labels nor images tell.
    """
    image, *rest = dataset.element_spec
    if vectors:
        return image.shape.rank != 1
    if rest and rest[0].shape.rank == 0:
        return False
    if image.shape.rank == 3:
        # One image, or a batch of grey ones without an axis of channels.
        if rest and (rest[0].shape.rank != 1 or rest[0].shape[0] is None):
            return True
        return image.shape[-1] not in (1, 3, None)
    return image.shape.rank != 2


def _resize(images, size):
    """Images `[B, size, size, C]` of the same type."""
    resized = tf.image.resize(images, (size, size), antialias=True)
    if images.dtype == tf.uint8:
        resized = tf.round(resized)
    return tf.cast(resized, images.dtype)


def _statistics(images, pixel_scale):
    """Computes mean and standard deviation per channel, scaled to `[0, 1]`."""
    sample = images[:: max(1, len(images) // 10000)].astype(np.float64)
    sample /= pixel_scale
    mean = sample.mean(axis=(0, 1, 2))
    std = sample.std(axis=(0, 1, 2))
    # A constant channel is divided by 1 to keep it finite.
    return tuple(mean), tuple(np.where(std < 1e-3, 1.0, std))
