"""Sources whose images are in TFRecord shards, read in any order."""

import collections.abc
import copy
import os
from typing import Any
from typing import Protocol
from typing import Self

import numpy as np
import tensorflow as tf

from noisy_keras.data.io import decoding
from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import files
from noisy_keras.data.io.records import naming
from noisy_keras.data.io.records import pictures as pictures_module
from noisy_keras.data.io.records import scan
from noisy_keras.data.io.splits import SPLITS
from noisy_keras.data.sources.file_source import FileSource
from noisy_keras.data.sources.records import index_file
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike


class Pictures(Protocol):
    """Access to encoded images by position, such as `records.Pictures`."""

    def read(self, row: int) -> bytes:
        """Returns the bytes of one image."""


class RecordSource(FileSource):
    """A `Source` of image files in TFRecord shards.

    Args:
        pictures: object whose `read` returns the bytes of an image file by
            position, such as `Pictures`.
        labels: int array `[N]`, the given labels.
        class_names: sequence of K str.
        ids: sequence of N str.
        **options: further arguments of `FileSource`, and `paths`.
    """

    encoding = "file"

    def __init__(
        self,
        pictures: Pictures,
        labels: ArrayLike,
        class_names: collections.abc.Sequence[str],
        ids: collections.abc.Iterable[str],
        **options: Any,
    ) -> None:
        paths = options.pop("paths", None)
        super().__init__(ids, labels, class_names, **options)
        self.paths = None if paths is None else np.asarray(paths, object)
        self._pictures = pictures
        self._rows = np.arange(self.num_samples)

    def encoded(self, row: int) -> bytes:
        """Reads the bytes of one sample's image file."""
        return self._pictures.read(self._rows[row])

    @property
    def _names(self):
        return self.ids

    def readable(self) -> Self:
        """Returns this source, because its records contain only images."""
        return self

    def _read(self, rows, size):
        damaged = []

        def read(row):
            try:
                return self.encoded(row)
            except files.DamagedError as error:
                # A damaged image is tolerated, a damaged record is not.
                damaged.append(error)
                raise

        images, problems = decoding.read_pictures(rows, size, read)
        if damaged:
            raise damaged[0]
        if problems:
            self._note({self.ids[rows[i]]: w for i, w in problems.items()})
        return images

    def _select(self, index):
        self._rows = self._rows[index]


class ArrayRecordSource(Source):
    """A `Source` of arrays in TFRecord shards, restored exactly.

    Args:
        pictures: object whose `read` returns the bytes of an array by
            position, such as `Pictures`.
        labels: int array `[N]`, the given labels.
        class_names: sequence of K str.
        image_shape: tuple of int `(H, W, C)`, the shape of the written arrays.
        encoding: str, `"png"` or `"float32"`.
        **options: further arguments of `Source`.
    """

    def __init__(
        self,
        pictures: Pictures,
        labels: ArrayLike,
        class_names: collections.abc.Sequence[str],
        image_shape: collections.abc.Sequence[int],
        encoding: str,
        **options: Any,
    ) -> None:
        super().__init__(labels, class_names, image_shape, **options)
        self.encoding, self.root = encoding, ""
        self._pictures = pictures
        self._written = self.image_shape
        self._rows = np.arange(self.num_samples)

    def fetch(self, index: TensorLike) -> tf.Tensor:
        index = tf.convert_to_tensor(index)
        dtype = tf.uint8 if self.encoding == "png" else tf.float32
        images = tf.numpy_function(self._read, [index], dtype)
        images = tf.ensure_shape(images, [index.shape[0], *self._written])
        size = self.image_shape[:2]
        if size == self._written[:2]:
            return images
        images = tf.image.resize(images, size, antialias=True)
        if dtype == tf.uint8:
            images = tf.round(images)
        return tf.cast(images, dtype)

    def resized(self, size: int) -> Self:
        """Makes a source of square images of another size.

        Args:
            size: int, side in pixels.

        Returns:
            An `ArrayRecordSource` of images resized bilinearly with
            antialiasing, in the same value range.
        """
        source = copy.copy(self)
        source.image_shape = (int(size), int(size), self.image_shape[-1])
        return source

    def encoded(self, row: int) -> bytes:
        """Reads the bytes of one sample's array, as written."""
        return self._pictures.read(self._rows[row])

    def _read(self, rows):
        dtype = np.uint8 if self.encoding == "png" else np.float32
        images = np.empty((len(rows), *self._written), dtype)
        for image, row in zip(images, rows, strict=True):
            data = self.encoded(row)
            if self.encoding == "png":
                channels = self._written[-1]
                image[:] = tf.io.decode_png(data, channels).numpy()
            else:
                image[:] = np.frombuffer(data, "<f4").reshape(self._written)
        return images

    def _select(self, index):
        self._rows = self._rows[index]


def from_tfrecord(
    pattern: str | os.PathLike,
    split: str | None = None,
    *,
    image_size: int | None = None,
    class_names: collections.abc.Sequence[str] | None = None,
    features: collections.abc.Mapping[str, str | None] | None = None,
    **options: Any,
) -> Source:
    """Makes a source from sharded TFRecord files.

    Labels, ids and positions of the records are held in memory; images are
    read when they are needed, in any order. Sets that `write_tfrecord` wrote
    have an index file, which makes opening them fast. All records of other
    sets are read once. Compressed files raise an error, because they cannot
    be read in any order.

    Args:
        pattern: str, a folder to which `write_tfrecord` wrote; or a pattern
            that matches the paths of one set's shards, with `*` and optionally
            `{split}`.
        split: str, `"train"` (the default), `"validation"`, `"test"` or
            another name.
        image_size: int, side of the images in pixels. Defaults to that of the
            source that was written, or 64.
        class_names: sequence of K str, the classes in order, for sets without
            an index file. Defaults to "0", "1", ... up to the highest label.
        features: dict from `"image"`, `"index"`, `"label"`, `"true_label"` or
            `"id"` to the name of that feature in the records of a set without
            an index file, if the names differ. If the value of `"index"` is
            None, records are numbered in the order of the files.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`, as in
            `Source`.

    Returns:
        A `Source`.

    Raises:
        OSError: nothing matches, shards are missing, or a file cannot be read.
        ValueError: files are damaged, compressed, or do not belong to their
            index file; records lack a feature; labels are out of range; or
            indices are missing or repeated.

    Example:
        >>> path = nk.data.write_tfrecord(nk.data.load("digits"), "shards")
        >>> nk.data.from_tfrecord("shards").num_classes
        10
    """
    shards = naming.find(pattern, split)
    if shards.name is not None:
        if files.size_of(naming.progress_path(shards.folder, shards.name)):
            raise ConfigurationError(
                f"Expected a set that is completely written. Received: "
                f"{shards.name} in {shards.folder}, whose writing was "
                "interrupted; run the same command again to continue."
            )
        path = naming.index_path(shards.folder, shards.name)
        if files.size_of(path) is not None:
            contents = index_file.load(path)
            index_file.check_shards(shards, contents)
            if class_names is not None:
                _check_names(class_names, contents, path)
            return _indexed(shards, contents, image_size, options)
    features = examples.names(features)
    scanned = scan.scan(shards.paths, features)
    count = None if class_names is None else len(class_names)
    scan.check_labels(scanned, count)
    if class_names is None:
        highest = max(
            np.max(held)
            for held in (scanned.labels, scanned.true_labels)
            if held is not None
        )
        class_names = [str(label) for label in range(highest + 1)]
    ids = scanned.ids
    if ids is None:
        ids = [f"{i:06d}" for i in range(len(scanned.labels))]
    options.setdefault("name", shards.name or os.path.basename(shards.folder))
    return RecordSource(
        pictures_module.Pictures(scanned.records, features),
        scanned.labels,
        class_names,
        ids,
        true_labels=scanned.true_labels,
        root=shards.folder,
        image_size=image_size or 64,
        **options,
    )


def tfrecord_splits(pattern: str | os.PathLike) -> set[str]:
    """Returns the splits in a folder, or of a pattern with `{split}`.

    Args:
        pattern: str, as in `from_tfrecord`.

    Returns:
        Set of `"train"`, `"validation"` and `"test"`; empty for other
        patterns.
    """
    pattern = os.path.expanduser(str(pattern))
    if "{split}" in pattern:
        return {s for s in SPLITS if naming.glob(pattern.replace("{split}", s))}
    if tf.io.gfile.isdir(pattern):
        return set(SPLITS) & set(naming.sets_in(pattern))
    return set()


def _check_names(class_names, contents, path):
    known = contents.description["class_names"]
    if [str(name) for name in class_names] != known:
        raise ConfigurationError(
            f"Expected the classes {', '.join(known)}, as {path} has them. "
            f"Received: class_names={list(class_names)}"
        )


def _indexed(shards, contents, image_size, options):
    """Makes the source of a set with an index file."""
    description, arrays = contents.description, contents.arrays
    counts = [shard["records"] for shard in contents.shards]
    places = np.repeat(np.arange(len(counts)), counts)
    sizes = contents.lengths + files.FRAME
    starts = np.cumsum(sizes) - sizes
    # Position of the first record of each shard.
    firsts = np.cumsum(counts) - counts
    pictures = pictures_module.Pictures(
        files.RecordFiles(
            shards.paths,
            places,
            starts - starts[firsts][places],
            contents.lengths,
        ),
        examples.FEATURES,
        contents.set_id,
    )
    # Reading two records verifies that the files belong to the index.
    pictures.read(0)
    pictures.read(len(places) - 1)
    options = index_file.options(contents) | options
    names = description["class_names"]
    if description["encoding"] == "file":
        if description["paths_are_ids"]:
            options["paths"] = arrays["ids"]
        else:
            options["paths"] = arrays.get("paths")
        source = RecordSource(
            pictures,
            arrays["labels"],
            names,
            root=shards.folder,
            image_size=image_size or description["image_shape"][0],
            **options,
        )
        source._unreadable.found |= contents.unreadable
        source._unreadable.total += len(description["left_out"])
    else:
        source = ArrayRecordSource(
            pictures,
            arrays["labels"],
            names,
            description["image_shape"],
            description["encoding"],
            pixel_scale=description["pixel_scale"],
            **options,
        )
        if image_size is not None:
            source = source.resized(image_size)
    index_file.complete(source, contents)
    return source
