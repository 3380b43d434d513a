"""Conversion between samples and `tf.train.Example`s."""

import collections.abc
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError

#: Default names of the features, as the package's own records have them.
FEATURES = {
    "image": "image",
    "index": "index",
    "label": "label",
    "true_label": "true_label",
    "id": "id",
}
#: Feature of the package's own records that identifies their set.
SET = "set"
_KINDS = {
    "image": "bytes_list",
    "index": "int64_list",
    "label": "int64_list",
    "true_label": "int64_list",
    "id": "bytes_list",
}
_TYPES = {"bytes_list": "bytes", "int64_list": "an integer"}


def encode(
    image: bytes,
    index: int,
    label: int,
    id: str,
    set_id: bytes,
    true_label: int | None = None,
) -> bytes:
    """Serialises one sample.

    Args:
        image: bytes of the image.
        index: int, position of the sample in its source.
        label: int, the given label.
        id: str, the sample's id.
        set_id: bytes that identify the set.
        true_label: int, the true label, -1 if it is unknown; None if the set
            has no true labels.

    Returns:
        bytes of the record, equal for equal arguments.
    """
    feature = {
        "image": _bytes(image),
        "index": _integer(index),
        "label": _integer(label),
        "id": _bytes(id.encode("utf-8")),
        SET: _bytes(set_id),
    }
    if true_label is not None:
        feature["true_label"] = _integer(true_label)
    features = tf.train.Features(feature=feature)
    example = tf.train.Example(features=features)
    return example.SerializeToString(deterministic=True)


def names(
    features: collections.abc.Mapping[str, str | None] | None,
) -> dict[str, Any]:
    """Completes the names that a set's records give to their features.

    Args:
        features: mapping from some of the keys of `FEATURES` to the names in
            the records, or to None for an index or id that the records lack.
            None uses the default names.

    Returns:
        dict from all keys of `FEATURES` to the names (str), or None.

    Raises:
        ValueError: a key is unknown, or `image` or `label` is None.
    """
    features = dict(features or {})
    unknown = sorted(set(features) - set(FEATURES))
    lacking = [k for k in ("image", "label") if features.get(k, "") is None]
    if unknown or lacking:
        raise ConfigurationError(
            f"Expected `features` to name some of {', '.join(FEATURES)}, and "
            f"not None for image or label. Received: {features}"
        )
    return {**FEATURES, **features}


def parse(
    data: bytes, where: str
) -> collections.abc.MutableMapping[str, tf.train.Feature]:
    """Parses a record.

    Args:
        data: bytes of the record.
        where: str, location of the record, for error messages.

    Returns:
        Mapping from name to feature of the `tf.train.Example`.

    Raises:
        ValueError: the data is not a `tf.train.Example`.
    """
    try:
        return tf.train.Example.FromString(data).features.feature
    except Exception as error:  # Protobuf's error class is not public.
        raise ConfigurationError(
            f"Expected a tf.train.Example in {where}. Received: other data"
        ) from error


def value(
    feature: collections.abc.Mapping[str, tf.train.Feature],
    what: str,
    name: str,
    where: str,
    optional: bool = False,
) -> Any:
    """Reads one value of a record.

    Args:
        feature: mapping from name to feature, as `parse` returns.
        what: str, one of the keys of `FEATURES`.
        name: str, name of the feature in the records.
        where: str, location of the record, for error messages.
        optional: bool, whether the feature may be missing.

    Returns:
        bytes or int, depending on `what`; None if an optional feature is
        missing.

    Raises:
        ValueError: the feature is missing or of another type.
    """
    kind = _KINDS[what]
    if name in feature:
        values = getattr(feature[name], kind).value
        if len(values) == 1:
            return values[0]
    elif optional:
        return None
    if name in feature:
        found = f"{name!r} of another type"
    else:
        found = f"only {', '.join(sorted(feature)) or 'an empty record'}"
    hint = f'Pass the name in your records: features={{"{what}": "..."}}'
    if what == "index":
        hint += ", or None to number records in the order of the files"
    raise ConfigurationError(
        f"Expected the feature {name!r}, {_TYPES[kind]}, in {where}. "
        f"Received: {found}. {hint}."
    )


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _integer(value):
    value = np.int64(value).item()
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
