"""Sources from the classification data sets of TFDS, without a copy."""

import os
from typing import Any

import numpy as np

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import pictures
from noisy_keras.data.io.records import scan
from noisy_keras.data.io.splits import SPLITS
from noisy_keras.data.sources import prepared
from noisy_keras.data.sources.record_source import ArrayRecordSource
from noisy_keras.data.sources.record_source import RecordSource
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError


def from_tfds(
    name: str,
    split: str = "train",
    *,
    label_key: str = "label",
    true_label_key: str | None = None,
    image_key: str = "image",
    id_key: str | None = None,
    data_dir: str | os.PathLike | None = None,
    image_size: int | None = None,
    **options: Any,
) -> Source:
    """Makes a source from a data set of TFDS.

    Labels and ids are read once; images are read from the prepared files when
    they are needed. The builders of `noisy_keras.data.builders` are available
    by name as well.

    Args:
        name: str, name of the data set, optionally with a configuration:
            `"mnist"`, `"imagenet_resized/32x32"`. TFDS downloads it if it is
            not prepared.
        split: str, name of the split, or a part of it in TFDS' notation, such
            as `"train[:90%]"`.
        label_key: str, feature with the given labels.
        true_label_key: str, feature with the true labels, -1 where unknown.
            Defaults to `clean_label` if it exists.
        image_key: str, feature with the images.
        id_key: str, feature with the ids, which also determine the order of
            the samples. Defaults to `id` if it exists. Without ids, samples
            are named by file and position, in that order.
        data_dir: str, TFDS' data folder. Defaults to TFDS' own default.
        image_size: int, side of the images in pixels. Defaults to the size of
            the images if all are of one size, else to 64.
        **options: `pixel_mean`, `pixel_std`, `augmentation`, as in `Source`.

    Returns:
        A `Source`.

    Raises:
        OSError: the data set does not exist and could not be prepared.
        ValueError: a split or feature does not exist, or features are of
            another type.
    """
    builder = prepared.builder(name, data_dir)
    known = builder.info.splits
    if split.partition("[")[0] not in known:
        raise ConfigurationError(
            f"Expected a split of {name}, one of {', '.join(sorted(known))}. "
            f"Received: {split!r}"
        )
    features = builder.info.features
    image, labels = _features(features, name, image_key, label_key)
    if true_label_key is None and "clean_label" in features:
        true_label_key = "clean_label"
    if id_key is None and "id" in features:
        id_key = "id"
    keys = examples.names(
        {
            "image": image_key,
            "label": label_key,
            "true_label": true_label_key,
            "id": id_key,
            "index": None,
        }
    )
    for key in (id_key, true_label_key):
        if key is not None and key not in features:
            raise _unknown(name, key, features)
    read = _from_records if _is_tfrecord(builder) else _from_arrays
    found = read(builder, split, keys)
    class_names = labels.names or [str(c) for c in range(labels.num_classes)]
    options |= {"true_labels": found["true_label"], "name": f"{name} ({split})"}
    shape = image.shape
    if all(shape or (None,)):
        source = ArrayRecordSource(
            found["pictures"],
            found["label"],
            class_names,
            shape,
            "png",
            ids=found["id"],
            **options,
        )
        if image_size is not None:
            source = source.resized(image_size)
    else:
        source = RecordSource(
            found["pictures"],
            found["label"],
            class_names,
            found["id"],
            image_size=image_size or 64,
            **options,
        )
    if id_key is None:
        return source
    return source.subset(np.argsort(source.ids.astype(str), kind="stable"))


def tfds_splits(
    name: str, data_dir: str | os.PathLike | None = None
) -> set[str]:
    """Returns the splits of a data set.

    Args:
        name: str, name of the data set, as in `from_tfds`.
        data_dir: str, TFDS' data folder. Defaults to TFDS' own default.

    Returns:
        Set of those of `"train"`, `"validation"` and `"test"` that exist.

    Raises:
        OSError: the data set does not exist and could not be prepared.
    """
    return set(SPLITS) & set(prepared.builder(name, data_dir).info.splits)


def _features(features, name, image_key, label_key):
    """Returns the features of image and label; raises if they are others."""
    import tensorflow_datasets as tfds

    for key in (image_key, label_key):
        if key not in features:
            raise _unknown(name, key, features)
    image, labels = features[image_key], features[label_key]
    for key, feature, kind in (
        (image_key, image, tfds.features.Image),
        (label_key, labels, tfds.features.ClassLabel),
    ):
        if not isinstance(feature, kind):
            raise ConfigurationError(
                f"Expected the feature {key!r} of {name} to be of the type "
                f"{kind.__name__}. Received: {type(feature).__name__}"
            )
    return image, labels


def _unknown(name, key, features):
    return ConfigurationError(
        f"Expected a feature of {name}, one of {', '.join(sorted(features))}. "
        f"Received: {key!r}"
    )


def _is_tfrecord(builder):
    return builder.info.file_format.value == "tfrecord"


def _from_records(builder, split, keys):
    """Reads everything except images from shards of `tf.train.Example`s."""
    instructions = builder.info.splits[split].file_instructions
    paths = [str(i.filename) for i in instructions]
    scanned = scan.scan(paths, keys)
    rows = _rows(instructions)
    ids = scanned.ids
    if ids is None:
        ids = _positions(instructions)
    else:
        ids = ids[rows]
    true = scanned.true_labels
    return {
        "pictures": _Selected(pictures.Pictures(scanned.records, keys), rows),
        "label": scanned.labels[rows],
        "true_label": None if true is None else true[rows],
        "id": ids,
    }


def _rows(instructions):
    """Returns the positions of a split's records among those of its files."""
    rows, start = [], 0
    for i in instructions:
        rows.append(start + i.skip + np.arange(i.take))
        start += i.examples_in_shard
    return np.concatenate(rows)


def _positions(instructions):
    """Names records by file and position."""
    return [
        f"{str(i.filename).rpartition('/')[2]}__{position}"
        for i in instructions
        for position in range(i.skip, i.skip + i.take)
    ]


def _from_arrays(builder, split, keys):
    """Reads everything except images through TFDS' random access."""
    import tensorflow_datasets as tfds

    skip = {keys["image"]: tfds.decode.SkipDecoding()}
    rows = builder.as_data_source(split=split, decoders=skip)
    names = [key for key in ("label", "true_label", "id") if keys[key]]
    values = {key: [] for key in names}
    for row in rows:
        for key in names:
            values[key].append(row[keys[key]])
    ids = values.get("id")
    if ids is None:
        ids = [f"{split}__{position}" for position in range(len(rows))]
    else:
        ids = [i.decode() if isinstance(i, bytes) else str(i) for i in ids]
    true = values.get("true_label")
    return {
        "pictures": _Rows(rows, keys["image"]),
        "label": np.asarray(values["label"], np.int64),
        "true_label": None if true is None else np.asarray(true, np.int64),
        "id": np.asarray(ids, object),
    }


class _Selected:
    """Some of the images of a set, with positions from 0."""

    def __init__(self, pictures: pictures.Pictures, rows: np.ndarray) -> None:
        self._pictures, self._rows = pictures, rows

    def read(self, row: int) -> bytes:
        return self._pictures.read(int(self._rows[row]))


class _Rows:
    """Images that TFDS reads by position."""

    def __init__(self, rows: Any, key: str) -> None:
        self._rows, self._key = rows, key

    def read(self, row: int) -> bytes:
        return self._rows[int(row)][self._key]
