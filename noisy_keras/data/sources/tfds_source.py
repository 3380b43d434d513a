"""Sources from any TFDS classification set, with no copy in memory."""

import numpy as np

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import pictures
from noisy_keras.data.io.records import scan
from noisy_keras.data.io.splits import SPLITS
from noisy_keras.data.sources import prepared
from noisy_keras.data.sources.record_source import ArrayRecordSource
from noisy_keras.data.sources.record_source import RecordSource
from noisy_keras.utils.errors import ConfigurationError


def from_tfds(
    name,
    split="train",
    *,
    label_key="label",
    true_label_key=None,
    image_key="image",
    id_key=None,
    data_dir=None,
    image_size=None,
    **options,
):
    """A source from a data set that TFDS has, or can prepare.

    Labels and ids are read once at the start; pictures are read from the
    prepared files by position. The builders of `noisy_keras.data.builders` are
    among the names.

    Args:
        name: of the data set, maybe with a configuration: `"mnist"`,
            `"imagenet_resized/32x32"`. TFDS downloads what is not prepared.
        split: name, or part in TFDS' notation, such as `"train[:90%]"`.
        label_key: feature that holds the given label.
        true_label_key: feature that holds the true one, -1 where unknown;
            default: `clean_label`, where there is one.
        image_key: feature that holds the picture.
        id_key: feature that names a sample; default: `id`, where there is
            one, which orders the samples too. Else samples are named by file
            and position, in the order of both.
        data_dir: TFDS folder; None is TFDS' own.
        image_size: side in pixels to bring the pictures to; default: as they
            are where all are of one size, else 64.
        **options: `pixel_mean`, `pixel_std`, `augmentation`.

    Returns:
        A `Source`.

    Raises:
        OSError: the set is not there and could not be prepared.
        ValueError: no such split or feature, or features of another kind.
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


def tfds_splits(name, data_dir=None):
    """Which splits a data set has, as of `from_tfds`.

    Returns:
        Set of `"train"`, `"validation"`, `"test"`.
    """
    return set(SPLITS) & set(prepared.builder(name, data_dir).info.splits)


def _features(features, name, image_key, label_key):
    """The two features; raises unless they are an image's and a label's."""
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
                f"Expected the feature {key!r} of {name} to be of the kind "
                f"{kind.__name__}. Received: {type(feature).__name__}"
            )
    return image, labels


def _unknown(name, key, features):
    return ValueError(
        f"Expected a feature of {name}, one of {', '.join(sorted(features))}. "
        f"Received: {key!r}"
    )


def _is_tfrecord(builder):
    return builder.info.file_format.value == "tfrecord"


def _from_records(builder, split, keys):
    """Reads all but pictures from shards of `tf.train.Example`s."""
    instructions = builder.info.splits[split].file_instructions
    paths = [str(i.filename) for i in instructions]
    scanned = scan.scan(paths, keys)
    kept = _rows(instructions)
    ids = scanned.ids
    if ids is None:
        ids = _positions(instructions)
    else:
        ids = ids[kept]
    true = scanned.true_labels
    return {
        "pictures": _Some(pictures.Pictures(scanned.records, keys), kept),
        "label": scanned.labels[kept],
        "true_label": None if true is None else true[kept],
        "id": ids,
    }


def _rows(instructions):
    """Which records of whole files a part of a split consists of."""
    rows, first = [], 0
    for i in instructions:
        rows.append(first + i.skip + np.arange(i.take))
        first += i.examples_in_shard
    return np.concatenate(rows)


def _positions(instructions):
    return [
        f"{str(i.filename).rpartition('/')[2]}__{position}"
        for i in instructions
        for position in range(i.skip, i.skip + i.take)
    ]


def _from_arrays(builder, split, keys):
    """Reads all but pictures from files that TFDS itself reads by position."""
    import tensorflow_datasets as tfds

    skip = {keys["image"]: tfds.decode.SkipDecoding()}
    rows = builder.as_data_source(split=split, decoders=skip)
    told = [key for key in ("label", "true_label", "id") if keys[key]]
    values = {key: [] for key in told}
    for row in rows:
        for key in told:
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


class _Some:
    """Some of the pictures of a set, counted from 0."""

    def __init__(self, pictures, rows):
        self._pictures, self._rows = pictures, rows

    def read(self, row):
        return self._pictures.read(int(self._rows[row]))


class _Rows:
    """Pictures that TFDS reads by position."""

    def __init__(self, rows, key):
        self._rows, self._key = rows, key

    def read(self, row):
        return self._rows[int(row)][self._key]
