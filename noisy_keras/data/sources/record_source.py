"""Sources whose images are in TFRecord shards, read in any order."""

import copy
import os

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


class RecordSource(FileSource):
    """A `Source` over picture files held in TFRecord shards.

    Args:
        pictures: `Pictures`.
        labels: int `[N]`.
        class_names: K strings.
        ids: N strings.
        **options: as of `FileSource`, and `paths`.
    """

    encoding = "file"

    def __init__(self, pictures, labels, class_names, ids, **options):
        paths = options.pop("paths", None)
        super().__init__(ids, labels, class_names, **options)
        self.paths = None if paths is None else np.asarray(paths, object)
        self._pictures = pictures
        self._rows = np.arange(self.num_samples)

    def encoded(self, row):
        """The bytes of one sample's picture file."""
        return self._pictures.read(self._rows[row])

    def readable(self):
        """This source: what is no picture was left out of its records."""
        return self

    def _read(self, rows, size):
        damaged = []

        def read(row):
            try:
                return self.encoded(row)
            except files.DamagedError as error:
                # A picture may be broken; a record may not.
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
    """A `Source` over arrays held in TFRecord shards, exact to the bit.

    Args:
        pictures: `Pictures`.
        labels: int `[N]`.
        class_names: K strings.
        image_shape: `(H, W, C)`, as they were written.
        encoding: `"png"` or `"float32"`.
        **options: as of `Source`.
    """

    def __init__(
        self, pictures, labels, class_names, image_shape, encoding, **options
    ):
        super().__init__(labels, class_names, image_shape, **options)
        self.encoding, self.root = encoding, ""
        self._pictures = pictures
        self._written = self.image_shape
        self._rows = np.arange(self.num_samples)

    def fetch(self, index):
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

    def resized(self, size):
        """A new source of square images of another size.

        Args:
            size: side in pixels.

        Returns:
            An `ArrayRecordSource`; antialiased bilinear, in the same range.
        """
        source = copy.copy(self)
        source.image_shape = (int(size), int(size), self.image_shape[-1])
        return source

    def encoded(self, row):
        """The bytes of one sample's array, as they were written."""
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
    pattern,
    split=None,
    *,
    image_size=None,
    class_names=None,
    features=None,
    **options,
):
    """A source from sharded TFRecord files, whose order of reading is free.

    Labels, ids and places of the records are held in memory, pictures are
    not. Sets that `write_tfrecord` wrote have an index, which is read at once.
    Of other sets every record is read once at the start; compressed ones,
    which allow no reading in any order, are refused.

    Args:
        pattern: a folder that `write_tfrecord` wrote to; or the paths of one
            set's shards with `*` in them, and maybe `{split}`.
        split: `"train"`, `"validation"`, `"test"` or another name; default:
            `"train"`.
        image_size: side in pixels to bring the images to; default: that of
            the source that was written, or 64.
        class_names: of the classes in order, for a set without an index;
            default: "0", "1", ... up to the highest label.
        features: what such a set's records call their features, where it is
            not `image`, `index`, `label`, `true_label` and `id`. None for the
            index numbers records in the order of files and in them.
        **options: `name`, `pixel_mean`, `pixel_std`, `augmentation`.

    Returns:
        A `Source`.

    Raises:
        OSError: nothing matches, shards are missing, or a file cannot be read.
        ValueError: files that are damaged, compressed, or of another set than
            their index; records without a feature; labels out of range; or
            indices missing or doubled.

    Example:
        >>> path = nk.data.write_tfrecord(nk.data.load("digits"), "shards")
        >>> nk.data.from_tfrecord("shards").num_classes
        10
    """
    shards = naming.find(pattern, split)
    if shards.name is not None:
        if files.size_of(naming.progress_path(shards.folder, shards.name)):
            raise ConfigurationError(
                f"Expected a set that is written to its end. Received: "
                f"{shards.name} in {shards.folder}, whose writing was "
                "interrupted; the same command goes on with it."
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
    scan.check_labels(scanned, class_names and len(class_names))
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


def tfrecord_splits(pattern):
    """Which splits there are, of a folder or a pattern with `{split}`.

    Args:
        pattern: as of `from_tfrecord`.

    Returns:
        Set of `"train"`, `"validation"`, `"test"`; empty for other patterns.
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
    """The source of a set that has an index."""
    told, arrays = contents.description, contents.arrays
    counts = [shard["records"] for shard in contents.shards]
    places = np.repeat(np.arange(len(counts)), counts)
    sizes = contents.lengths + files.FRAME
    starts = np.cumsum(sizes) - sizes
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
    # One look tells whether these are the records that the index means.
    pictures.read(0)
    pictures.read(len(places) - 1)
    options = index_file.options(contents) | options
    names = told["class_names"]
    if told["encoding"] == "file":
        if told["paths_are_ids"]:
            options["paths"] = arrays["ids"]
        else:
            options["paths"] = arrays.get("paths")
        source = RecordSource(
            pictures,
            arrays["labels"],
            names,
            root=shards.folder,
            image_size=image_size or told["image_shape"][0],
            **options,
        )
        source.unreadable = contents.unreadable
        source._total += len(told["left_out"])
    else:
        source = ArrayRecordSource(
            pictures,
            arrays["labels"],
            names,
            told["image_shape"],
            told["encoding"],
            pixel_scale=told["pixel_scale"],
            **options,
        )
        if image_size is not None:
            source = source.resized(image_size)
    index_file.complete(source, contents)
    return source
