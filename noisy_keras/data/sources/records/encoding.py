"""The content of records: files unchanged, arrays as PNG or raw numbers."""

import collections.abc
import os

import tensorflow as tf

from noisy_keras.data.io import decoding
from noisy_keras.data.io.records import files
from noisy_keras.data.sources import file_source
from noisy_keras.data.sources import record_source
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError


def reader(
    source: Source,
) -> tuple[collections.abc.Callable[[int], bytes], str, str]:
    """Returns a function that reads the bytes of a source's samples.

    Args:
        source: `Source`.

    Returns:
        A triple of the function from a sample's position to bytes; the
        encoding of the bytes (str), as in `index_file.Contents`; and the
        folder of the source's files (str), or "".

    Raises:
        ValueError: the images have a margin, but are not files.
    """
    if isinstance(
        source, record_source.RecordSource | record_source.ArrayRecordSource
    ):
        return source.encoded, source.encoding, source.root
    if isinstance(source, file_source.FileSource):

        def read_file(row):
            path = tf.io.gfile.join(source.root, source.paths[row])
            return decoding.read_bytes(path)

        return read_file, "file", _absolute(source.root)
    with_margin = source.fetch_with_margin([0])
    if with_margin.shape[1:] != source.image_shape:
        raise ConfigurationError(
            "Expected a source of files, records or arrays. Received: "
            f"{type(source).__name__}, whose images are cropped from larger "
            "ones; write the source before foreign images are added."
        )

    def read_array(row):
        image = source.fetch([row])[0]
        if image.dtype == tf.uint8:
            return tf.io.encode_png(image).numpy()
        return image.numpy().astype("<f4").tobytes()

    is_bytes = with_margin.dtype == tf.uint8
    return read_array, "png" if is_bytes else "float32", ""


def _absolute(root):
    return root if files.is_remote(root) else os.path.realpath(root or ".")
