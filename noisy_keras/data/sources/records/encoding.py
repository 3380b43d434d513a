"""What goes into records: files as they are, arrays as PNG or numbers."""

import os

import tensorflow as tf

from noisy_keras.data.io import decoding
from noisy_keras.data.io.records import files
from noisy_keras.data.sources import file_source
from noisy_keras.data.sources import record_source
from noisy_keras.utils.errors import ConfigurationError


def reader(source):
    """How to get the bytes of a source's samples.

    Args:
        source: a `Source`.

    Returns:
        Function of a sample's position to bytes; what they are, as `encoding`
        of `index_file.Contents`; and the folder of its files, or "".

    Raises:
        ValueError: one whose images have a margin, but are no files.
    """
    if isinstance(
        source, record_source.RecordSource | record_source.ArrayRecordSource
    ):
        return source.encoded, source.encoding, source.root
    if isinstance(source, file_source.FileSource):

        def read_file(row):
            path = tf.io.gfile.join(source.root, source.paths[row])
            return decoding.read_bytes(path)

        return read_file, "file", _whole_path(source.root)
    with_margin = source.fetch_with_margin([0])
    if with_margin.shape[1:] != source.image_shape:
        raise ConfigurationError(
            "Expected a source of files, of records or of arrays. Received: "
            f"{type(source).__name__}, whose images are cut from larger ones; "
            "write the source before noise was put in."
        )

    def read_array(row):
        image = source.fetch([row])[0]
        if image.dtype == tf.uint8:
            return tf.io.encode_png(image).numpy()
        return image.numpy().astype("<f4").tobytes()

    is_bytes = with_margin.dtype == tf.uint8
    return read_array, "png" if is_bytes else "float32", ""


def _whole_path(root):
    return root if files.is_remote(root) else os.path.realpath(root or ".")
