"""Sources whose images are held in memory."""

import copy

import numpy as np
import tensorflow as tf

from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


class ArraySource(Source):
    """A `Source` over one array of images."""

    def __init__(self, images, labels, class_names, **options):
        images, pixel_scale = checks.images(images)
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
        # On the host, whatever the device: a batch travels, not the set.
        with tf.device("CPU"):
            self._images = tf.constant(images)
        self._rows = None

    def fetch(self, index):
        index = tf.cast(index, tf.int64)
        if self._rows is not None:
            index = tf.gather(self._rows, index)
        return tf.gather(self._images, index)

    def resized(self, size):
        """A new source of square images of another size.

        Args:
            size: side in pixels.

        Returns:
            A `Source`; antialiased bilinear, in the same value range.
        """
        if self.image_shape[:2] == (size, size):
            return self
        source = copy.copy(self)
        rows = np.arange(self.num_samples)
        with tf.device("CPU"):
            parts = [
                tf.image.resize(self.fetch(part), (size, size), antialias=True)
                for part in np.array_split(rows, -(-len(rows) // 1000))
            ]
            images = tf.concat(parts, axis=0)
            if self._images.dtype == tf.uint8:
                images = tf.round(images)
            source._images = tf.cast(images, self._images.dtype)
        source._rows = None
        source.image_shape = (size, size, self.image_shape[-1])
        return source

    def _select(self, index):
        # Subsets share the images of the whole.
        if self._rows is not None:
            index = self._rows.numpy()[index]
        with tf.device("CPU"):
            self._rows = tf.constant(index, tf.int64)


def from_arrays(images, labels, true_labels=None, class_names=None, **options):
    """A source from arrays.

    Args:
        images: `[N, H, W, C]` or `[N, H, W]`, uint8, or float in `[0, 255]`
            or `[0, 1]`; one or three channels.
        labels: int `[N]`, as given, maybe wrong.
        true_labels: int `[N]` where known (-1 where not); for metrics only.
        class_names: K strings; default: "0", "1", ... up to the highest label.
        **options: `ids`, `name`, `pixel_mean`, `pixel_std`, `augmentation`.

    Returns:
        A `Source`.

    Raises:
        ValueError: arrays of other shapes, types or lengths; NaN; labels out
            of range; fewer than two classes.

    Example:
        >>> images = np.zeros((6, 8, 8, 3), np.uint8)
        >>> source = from_arrays(images, [0, 1, 2, 0, 1, 2])
        >>> source
        <ArraySource 'source': 6 images (8, 8, 3), 3 classes>
    """
    checks.images(images)
    if class_names is None:
        # Without names the labels tell how many classes there are; they are
        # checked first, so that a wrong one does not become a class count.
        known = checks.labels(labels, np.iinfo(np.int32).max)
        highest = known.max()
        if true_labels is not None:
            highest = max(highest, np.max(true_labels))
        class_names = [str(c) for c in range(highest + 1)]
    return ArraySource(
        images, labels, class_names, true_labels=true_labels, **options
    )


def from_dataset(dataset, num_classes=None, **options):
    """A source from a plain `tf.data` dataset, read into memory once.

    Args:
        dataset: finite, of `(image, label)`, batched or not. The order in
            which it is read now gives each sample its index.
        num_classes: K; default: the highest label plus one.
        **options: as of `from_arrays`.

    Returns:
        A `Source`.

    Raises:
        ValueError: elements of another structure, or an endless dataset.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) < 2:
        raise ConfigurationError(
            f"Expected a dataset of (image, label). Received: elements {spec}"
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ConfigurationError(
            "Expected a finite dataset. Received: an endless one; leave out "
            "`repeat()`, epochs repeat by themselves."
        )
    # Labels have one axis more when batched, whatever the pictures are.
    if spec[1].shape.rank == 0:
        dataset = dataset.batch(256)
    parts = [element[:2] for element in dataset.as_numpy_iterator()]
    if not parts:
        raise ConfigurationError(
            "Expected a dataset with elements. Received: none"
        )
    images, labels = (np.concatenate(p) for p in zip(*parts, strict=True))
    if num_classes is not None:
        options.setdefault("class_names", [str(c) for c in range(num_classes)])
    return from_arrays(images, labels.reshape(-1), **options)


def _statistics(images, pixel_scale):
    """Mean and standard deviation per channel of pixels in `[0, 1]`."""
    sample = images[:: max(1, len(images) // 10000)].astype(np.float64)
    sample /= pixel_scale
    mean = sample.mean(axis=(0, 1, 2))
    std = sample.std(axis=(0, 1, 2))
    # A constant channel carries nothing; dividing by 1 keeps it finite.
    return tuple(mean), tuple(np.where(std < 1e-3, 1.0, std))
