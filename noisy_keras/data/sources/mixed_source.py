"""A source some of whose samples show images of another source."""

import copy

import numpy as np
import tensorflow as tf

from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


class MixedSource(Source):
    """A `Source` with foreign images in some rows.

    Labels, ids, classes and all settings are those of `source`. The rows given
    are marked in `foreign`; their true label is -1, and their path is that of
    the foreign image ("" where it is no file).

    Args:
        source: a `Source`.
        foreign: a `Source` of other images. They are brought to the size,
            channels, value range and type of `source`'s when they are read.
        rows: int `[n]`, distinct positions in `source`.
        index: int `[n]`, the position in `foreign` that each of them shows.
        noise: dict that describes how they were chosen, or None.

    Raises:
        ValueError: positions outside, repeated rows, or other lengths.
    """

    def __init__(self, source, foreign, rows, index, noise=None):
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
        shown = np.full(source.num_samples, -1, np.int64)
        shown[rows] = index
        is_foreign = shown >= 0
        if source.foreign is not None:
            is_foreign |= source.foreign
        self.foreign = checks.read_only(is_foreign)
        self._own, self._other = source, foreign
        self._place(np.arange(source.num_samples), shown)

    @property
    def foreign_ids(self):
        """`[N]` strings: ids of the foreign images shown, "" for others."""
        rows, shown = self._rows.numpy(), self._shown.numpy()
        ids = np.full(len(rows), "", object)
        if isinstance(self._own, MixedSource):
            ids[:] = self._own.foreign_ids[rows]
        ids[shown >= 0] = self._other.ids[shown[shown >= 0]]
        return ids

    def fetch(self, index):
        return self._mixed(index, lambda source, rows: source.fetch(rows))

    def fetch_with_margin(self, index):
        return self._mixed(
            index, lambda source, rows: source.fetch_with_margin(rows)
        )

    def resized(self, size):
        """A new source of square images of another size.

        Args:
            size: side in pixels.

        Returns:
            A `MixedSource`.
        """
        source = copy.copy(self)
        source._own = self._own.resized(size)
        source.image_shape = source._own.image_shape
        return source

    def _mixed(self, index, fetch):
        index = tf.cast(index, tf.int64)
        shown = tf.gather(self._shown, index)
        # Both are read for every row, which keeps shapes static.
        own = fetch(self._own, tf.gather(self._rows, index))
        other = fetch(self._other, tf.maximum(shown, 0))
        ratio = self._own.pixel_scale / self._other.pixel_scale
        both = tf.concat([own, _alike(other, own, ratio)], axis=0)
        # Copies whole images; `tf.where` on pixels takes twice as long.
        count = tf.shape(index)[0]
        place = tf.range(count) + tf.where(shown >= 0, count, 0)
        return tf.gather(both, place)

    def _place(self, rows, shown):
        """Sets which row of each source a sample shows."""
        with tf.device("CPU"):
            self._rows = tf.constant(rows, tf.int64)
            self._shown = tf.constant(shown, tf.int64)

    def _select(self, index):
        self._place(self._rows.numpy()[index], self._shown.numpy()[index])


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
    """Paths of the images shown, `[N]`, or None for no files at all."""
    if source.paths is None and foreign.paths is None:
        return None
    paths = np.full(source.num_samples, "", object)
    if source.paths is not None:
        paths[:] = source.paths
    paths[rows] = "" if foreign.paths is None else foreign.paths[index]
    return paths


def _alike(images, others, ratio):
    """Brings images to the size, channels and type of others.

    Args:
        images: `[n, h, w, c]`.
        others: `[n, H, W, C]`.
        ratio: of a white pixel in `others` to one in `images`.

    Returns:
        `[n, H, W, C]`; antialiased bilinear, grey by luminance.
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
