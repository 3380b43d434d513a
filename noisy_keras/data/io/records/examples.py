"""Samples as `tf.train.Example`s."""

import numpy as np
import tensorflow as tf

from noisy_keras.utils.errors import ConfigurationError

#: What our own records call their features.
FEATURES = {
    "image": "image",
    "index": "index",
    "label": "label",
    "true_label": "true_label",
    "id": "id",
}
#: Feature of our own records: which set they belong to.
SET = "set"
_KINDS = {
    "image": "bytes_list",
    "index": "int64_list",
    "label": "int64_list",
    "true_label": "int64_list",
    "id": "bytes_list",
}
_TOLD = {"bytes_list": "bytes", "int64_list": "an integer"}


def encode(image, index, label, id, set_id, true_label=None):
    """A record.

    Args:
        image: bytes of the picture.
        index: int, of the sample.
        label: int, as given.
        id: str, of the sample.
        set_id: bytes that tell this set from others.
        true_label: int where true labels are known, -1 for this one's not.

    Returns:
        bytes, the same for the same sample.
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


def names(features):
    """What a set's records call their features.

    Args:
        features: dict from some of `FEATURES` to the names in the records;
            None for an index or id that they lack. Or None.

    Returns:
        dict of all of `FEATURES`.

    Raises:
        ValueError: other keys, or no image or label.
    """
    features = dict(features or {})
    unknown = sorted(set(features) - set(FEATURES))
    lacking = [k for k in ("image", "label") if features.get(k, "") is None]
    if unknown or lacking:
        raise ConfigurationError(
            f"Expected `features` to name some of {', '.join(FEATURES)}, the "
            f"first and third never None. Received: {features}"
        )
    return {**FEATURES, **features}


def parse(data, where):
    """Reads a record.

    Args:
        data: bytes.
        where: it is, for messages.

    Returns:
        The features of a `tf.train.Example`, by name.

    Raises:
        ValueError: it is something else.
    """
    try:
        return tf.train.Example.FromString(data).features.feature
    except Exception as error:  # Protobuf's own class is no public name.
        raise ConfigurationError(
            f"Expected a tf.train.Example in {where}. Received: other data"
        ) from error


def value(feature, what, name, where, optional=False):
    """One value of a record.

    Args:
        feature: as `parse` gives them.
        what: one of `FEATURES`.
        name: what the records call it.
        where: the record is, for messages.
        optional: whether it may be missing.

    Returns:
        bytes or int; None where it is missing and may be.

    Raises:
        ValueError: it is missing, or of another kind.
    """
    kind = _KINDS[what]
    if name in feature:
        values = getattr(feature[name], kind).value
        if len(values) == 1:
            return values[0]
    elif optional:
        return None
    if name in feature:
        found = f"{name!r} as something else"
    else:
        found = f"only {', '.join(sorted(feature)) or 'an empty record'}"
    mend = f'Say what yours is called: features={{"{what}": "..."}}'
    if what == "index":
        mend += ", or None to number records as they come"
    raise ConfigurationError(
        f"Expected the feature {name!r}, {_TOLD[kind]}, in {where}. "
        f"Received: {found}. {mend}."
    )


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _integer(value):
    value = np.int64(value).item()
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
