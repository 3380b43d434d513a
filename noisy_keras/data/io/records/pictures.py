"""Access to the images of a set by the index of their sample."""

import collections.abc
from typing import Any

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import files


class Pictures:
    """The images in the records of a set.

    Args:
        records: `files.RecordFiles`, in the order of the index.
        features: mapping from key to name, as `examples.names` returns.
        set_id: bytes that every record has to carry, or None.
    """

    def __init__(
        self,
        records: files.RecordFiles,
        features: collections.abc.Mapping[str, Any],
        set_id: bytes | None = None,
    ) -> None:
        self.records = records
        self._features = features
        self._set_id = set_id

    def read(self, index: int) -> bytes:
        """Reads the bytes of one image.

        Args:
            index: int, the sample's index in its source.

        Returns:
            bytes of the image.

        Raises:
            DamagedError: the record is truncated or damaged, or belongs to
                another sample or set.
            OSError: the file cannot be read.
        """
        where = self.records.location(index)
        feature = examples.parse(self.records.read(index), where)
        name = self._features["index"]
        if name is not None:
            found = examples.value(feature, "index", name, where)
            if found != index:
                raise files.DamagedError(
                    f"Expected the record of index {index} in {where}. "
                    f"Received: that of {found}; the file or the set's index "
                    "belongs to another set. Copy the set again."
                )
        if self._set_id is not None:
            values = feature[examples.SET].bytes_list.value
            if list(values) != [self._set_id]:
                raise files.DamagedError(
                    f"Expected a record of the set that its index file "
                    f"describes in {where}. Received: one of another set. Copy "
                    "the set and its index file again."
                )
        return examples.value(feature, "image", self._features["image"], where)
