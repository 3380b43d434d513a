"""Sources in which images of another source replace some of the images."""

import collections.abc
import copy
from typing import Any
from typing import Self

import numpy as np
import tensorflow as tf

from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike


class MixedSource(Source):
    """A `Source` with foreign images for some of its samples.

    Labels, ids, classes and all other attributes are those of `source`. The
    samples with foreign images are marked in `foreign`; their true label is
    -1, and their path is that of the foreign image ("" if it is not a file).

    Args:
        source: `Source`.
        foreign: `Source` of other images. When they are read, they are
            converted to the size, channels, value range and dtype of `source`.
        rows: int array `[n]`, distinct positions in `source`.
        index: int array `[n]`, positions in `foreign` of the images that
            replace those of `rows`.
        noise: dict that describes how the images were chosen, or None.

    Raises:
        ValueError: positions are out of range or repeated, or the arrays have
            different lengths.
    """

    def __init__(
        self,
        source: Source,
        foreign: Source,
        rows: ArrayLike,
        index: ArrayLike,
        noise: collections.abc.Mapping[str, Any] | None = None,
    ) -> None:
        rows = _positions(rows, source.num_samples, "rows")
        index = _positions(index, foreign.num_samples, "index")
        checks.same_length(rows=rows, index=index)
        if len(np.unique(rows)) < len(rows):
            raise ConfigurationError(
                "Expected distinct `rows`. "
                f"Received: {len(rows) - len(np.unique(rows))} repeated"
            )
        known = source.true_labels
        true_labels = np.array(source.labels if known is None else known)
        true_labels[rows] = -1
        if noise is None:
            noise = source.noise
        elif source.noise is not None:
            noise = {**noise, "before": source.noise}
        super().__init__(
            source.labels,
            source.class_names,
            source.image_shape,
            true_labels=true_labels,
            ids=source.ids,
            paths=_paths(source, foreign, rows, index),
            pixel_scale=source.pixel_scale,
            pixel_mean=source.pixel_mean,
            pixel_std=source.pixel_std,
            augmentation=source.augmentation,
            noise=noise,
            name=source.name,
        )
        self.soft_labels = source.soft_labels
        self.reading = source.reading
        self.sample_weights = source.sample_weights
        position = np.full(source.num_samples, -1, np.int64)
        position[rows] = index
        is_foreign = position >= 0
        if source.foreign is not None:
            is_foreign |= source.foreign
        self.foreign = checks.read_only(is_foreign)
        self._own, self._other = source, foreign
        self._place(np.arange(source.num_samples), position)

    @property
    def foreign_ids(self) -> np.ndarray:
        """Ids of the foreign images, `[N]` str, "" for all other samples."""
        rows, position = self._rows.numpy(), self._position.numpy()
        ids = np.full(len(rows), "", object)
        if isinstance(self._own, MixedSource):
            ids[:] = self._own.foreign_ids[rows]
        ids[position >= 0] = self._other.ids[position[position >= 0]]
        return ids

    def fetch(self, index: TensorLike) -> tf.Tensor:
        return self._mixed(index, lambda source, rows: source.fetch(rows))

    def fetch_with_margin(self, index: TensorLike) -> tf.Tensor:
        return self._mixed(
            index, lambda source, rows: source.fetch_with_margin(rows)
        )

    def resized(self, size: int) -> Self:
        """Makes a source of square images of another size.

        Args:
            size: int, side in pixels.

        Returns:
            A `MixedSource`.
        """
        source = copy.copy(self)
        source._own = self._own.resized(size)
        source.image_shape = source._own.image_shape
        return source

    def _mixed(self, index, fetch):
        index = tf.cast(index, tf.int64)
        position = tf.gather(self._position, index)
        # Both are read for every sample, which keeps shapes static.
        own = fetch(self._own, tf.gather(self._rows, index))
        other = fetch(self._other, tf.maximum(position, 0))
        ratio = self._own.pixel_scale / self._other.pixel_scale
        both = tf.concat([own, _alike(other, own, ratio)], axis=0)
        # `tf.gather` copies whole images; `tf.where` on pixels takes twice as
        # long.
        count = tf.shape(index)[0]
        place = tf.range(count) + tf.where(position >= 0, count, 0)
        return tf.gather(both, place)

    def _place(self, rows, position):
        """Sets the position of each sample's image in both sources."""
        with tf.device("CPU"):
            self._rows = tf.constant(rows, tf.int64)
            self._position = tf.constant(position, tf.int64)

    def _select(self, index):
        self._place(self._rows.numpy()[index], self._position.numpy()[index])


def _positions(values, count, what):
    values = np.asarray(values)
    good = values.ndim == 1 and values.dtype.kind in "iu"
    if not good or np.any((values < 0) | (values >= count)):
        raise ConfigurationError(
            f"Expected `{what}` to be integers [n] in [0, {count}). "
            f"Received: dtype {values.dtype}, shape {values.shape}"
            + (f", up to {values.max()}" if good else "")
        )
    return values


def _paths(source, foreign, rows, index):
    """Returns the paths of the images, `[N]`, or None without any files."""
    if source.paths is None and foreign.paths is None:
        return None
    paths = np.full(source.num_samples, "", object)
    if source.paths is not None:
        paths[:] = source.paths
    paths[rows] = "" if foreign.paths is None else foreign.paths[index]
    return paths


def _alike(images, others, ratio):
    """Converts images to the size, channels and dtype of others.

    Args:
        images: tensor `[n, h, w, c]`.
        others: tensor `[n, H, W, C]`.
        ratio: float, value of a white pixel in `others` divided by that in
            `images`.

    Returns:
        Tensor `[n, H, W, C]`, resized bilinearly with antialiasing; grey
        values are luminances.
    """
    if images.shape[3] != others.shape[3]:
        if images.shape[3] == 1:
            images = tf.image.grayscale_to_rgb(images)
        else:
            images = tf.image.rgb_to_grayscale(images)
    size = others.shape[1:3]
    if images.shape[1:3] != size:
        images = tf.image.resize(images, size, antialias=True)
    if images.dtype == others.dtype and ratio == 1.0:
        return images
    images = tf.cast(images, tf.float32) * ratio
    if others.dtype.is_integer:
        images = tf.round(images)
    return tf.cast(images, others.dtype)
