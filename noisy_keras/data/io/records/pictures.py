"""Pictures in the records of a set, by the index of their sample."""

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import files


class Pictures:
    """The `image` of each record of a set.

    Args:
        records: `files.RecordFiles`, in order of the index.
        features: dict as of `examples.names`.
        set_id: bytes that every record has to carry, or None.
    """

    def __init__(self, records, features, set_id=None):
        self.records = records
        self._features = features
        self._set_id = set_id

    def read(self, index):
        """The bytes of one image.

        Args:
            index: int, that the record was written with.

        Returns:
            bytes.

        Raises:
            DamagedError: the record is cut off, damaged, or another one.
            OSError: its file cannot be read.
        """
        where = self.records.told(index)
        feature = examples.parse(self.records.read(index), where)
        name = self._features["index"]
        if name is not None:
            found = examples.value(feature, "index", name, where)
            if found != index:
                raise files.DamagedError(
                    f"Expected the record of index {index} in {where}. "
                    f"Received: that of {found}; the file or the set's index "
                    "is of another set. Copy the set again."
                )
        if self._set_id is not None:
            values = feature[examples.SET].bytes_list.value
            if list(values) != [self._set_id]:
                raise files.DamagedError(
                    f"Expected a record of the set that the index beside it "
                    f"describes in {where}. Received: one of another set. Copy "
                    "the set again, its index with it."
                )
        return examples.value(feature, "image", self._features["image"], where)
