"""Writing of a source to sharded TFRecord files, in parallel and resumable.

Each shard is written under a temporary name and renamed when it is complete.
A progress file lists the finished shards; the set's index file replaces it at
the end. An interruption thus only loses the shards that are being written.
"""

import collections.abc
import concurrent.futures
import dataclasses
import json
import os
import threading

import numpy as np
import tensorflow as tf

from noisy_keras.data.io.records import examples
from noisy_keras.data.io.records import files
from noisy_keras.data.io.records import naming
from noisy_keras.data.io.records import storage
from noisy_keras.data.sources import file_source
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.data.sources.records import encoding
from noisy_keras.data.sources.records import index_file
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError

_Progress = collections.abc.Callable[[int, int], None]

# Default number of shards.
_SHARDS = 16
# Number of samples between two reports of progress.
_REPORT_EVERY = 64


@dataclasses.dataclass(frozen=True)
class Written:
    """A set that `write_tfrecord` has written.

    Attributes:
        pattern: str, pattern of the shards, for `from_tfrecord`.
        samples: int, number of samples in the set.
        shards: int, number of shards.
        kept: int, number of shards that an earlier run had finished.
        unreadable: dict from id to the reason (str), for images that were left
            out, or that are in the set without bytes because they were found
            to be damaged while they were copied.
    """

    pattern: str
    samples: int
    shards: int
    kept: int
    unreadable: dict[str, str]


def write_tfrecord(
    source: Source,
    folder: str | os.PathLike,
    *,
    name: str = "train",
    shards: int | None = None,
    workers: int | None = None,
    progress: _Progress | None = None,
) -> Written:
    """Writes a source to sharded TFRecord files.

    Image files are copied unchanged. Arrays of bytes are encoded as PNG, other
    arrays are written as numbers. Calling the function again continues an
    interrupted run: finished shards are kept, and the resulting files are the
    same as without interruption.

    Args:
        source: `Source`.
        folder: str, path of the folder to write to, on any file system that
            TensorFlow supports. It is created if it does not exist.
        name: str, name of the set, for example that of the split.
        shards: int, number of files. Defaults to 16, or to the number of
            samples if that is smaller.
        workers: int, number of threads, each of which writes a shard.
            Defaults to one per core.
        progress: function that is called repeatedly with the number of samples
            done and in total (int), by one thread at a time; or None.

    Returns:
        `Written`.

    Raises:
        OSError: the folder is not writable, or another process is writing the
            same set.
        ValueError: the folder contains a set of this name from another source
            or with other shards; more than 1 % of the images are unreadable;
            or an argument is out of range.
    """
    folder = os.path.expanduser(str(folder))
    _check_name(name)
    if source.sample_weights is not None:
        raise ConfigurationError(
            "Expected a source without sample weights, which the files do not "
            "hold: `source.with_sample_weights(None)`. Received: weights of "
            f"{source.num_samples} samples"
        )
    if isinstance(source, FeatureSource):
        raise ConfigurationError(
            "Expected images, which are written as records; "
            "`numpy.savez(path, features=..., labels=...)` writes features. "
            f"Received: {source!r}"
        )
    if isinstance(source, file_source.FileSource):
        source = source.readable()
    count = _shard_count(shards, source.num_samples)
    if workers is not None and workers < 1:
        raise ConfigurationError(
            f"Expected workers of at least 1. Received: {workers}"
        )
    read, kind, root = encoding.reader(source)
    contents = index_file.describe(source, kind, root, count)
    try:
        tf.io.gfile.makedirs(folder)
    except tf.errors.OpError as error:
        raise OSError(
            f"Expected a folder that can be written. Received: {folder} "
            f"({error.message})"
        ) from error
    with storage.locked(folder, name):
        writing = _Writing(source, read, contents, folder, name, progress)
        return writing.run(workers or os.cpu_count() or 1)


class _Writing:
    """One run of `write_tfrecord`."""

    def __init__(
        self,
        source: Source,
        read: collections.abc.Callable[[int], bytes],
        contents: index_file.Contents,
        folder: str,
        name: str,
        progress: _Progress | None,
    ) -> None:
        self._source, self._read = source, read
        self._contents = contents
        self._sha256, self._set_id = contents.sha256, contents.set_id
        self._folder, self._name = folder, name
        self._progress = progress or (lambda done, total: None)
        count = contents.description["shards"]
        rows = np.array_split(np.arange(source.num_samples), count)
        self._rows = dict(enumerate(rows))
        self._paths = [
            naming.shard_path(folder, name, number, count)
            for number in self._rows
        ]
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._done = self._failed = 0
        self._most = getattr(
            source,
            "most_unreadable",
            file_source.TOLERATED * source.num_samples,
        )
        self._left_out = len(contents.description["left_out"])

    def run(self, workers: int) -> Written:
        finished, complete = self._resumed()
        kept = len(finished)
        lengths: dict[int, np.ndarray] = {}
        unfinished = [number for number in self._rows if number not in finished]
        self._done = sum(len(self._rows[number]) for number in finished)
        self._progress(self._done, self._source.num_samples)
        if unfinished or not complete:
            # The progress file marks the set as incomplete for readers.
            self._save_progress(finished)
            self._in_threads(unfinished, workers, finished, lengths)
            self._save_index(finished, lengths)
        unreadable = dict(self._contents.description["left_out"])
        for number in sorted(finished):
            unreadable |= finished[number]["unreadable"]
        return Written(
            tf.io.gfile.join(self._folder, f"{self._name}-*.tfrecord"),
            self._source.num_samples,
            len(self._rows),
            kept,
            unreadable,
        )

    def _resumed(self):
        """Returns the finished shards by number, and whether all once were."""
        path = naming.progress_path(self._folder, self._name)
        complete = files.size_of(path) is None
        if complete:
            path = naming.index_path(self._folder, self._name)
            if files.size_of(path) is None:
                self._check_unused()
                return {}, False
            earlier = index_file.load(path)
            description = earlier.description
            sha256, held = earlier.sha256, dict(enumerate(earlier.shards))
        else:
            description, sha256, held = _load_progress(path)
        if sha256 != self._sha256:
            self._reject(description)
        finished = {
            number: shard
            for number, shard in held.items()
            # Shards with unreadable images are written again, because these
            # images may be readable by now.
            if not shard["unreadable"]
            and files.size_of(self._paths[number]) == shard["bytes"]
        }
        return finished, complete

    def _check_unused(self):
        others = naming.shards_of(self._folder, self._name)
        if others:
            raise ConfigurationError(
                f"Expected shards of the name {self._name!r} in "
                f"{self._folder} only if this command wrote them. Received: "
                f"{os.path.basename(others[0])}. Choose another folder."
            )

    def _reject(self, earlier):
        """Raises because the folder holds a set of another description."""
        own = self._contents.description
        keys = "name root samples shards class_names labels".split()
        different = [k for k in keys if earlier.get(k) != own[k]]
        raise ConfigurationError(
            f"Expected to continue the set {self._name!r} in {self._folder}, "
            f"written from {earlier['name']}, {earlier['samples']} samples, in "
            f"{earlier['shards']} shards. Received: {own['name']}, "
            f"{own['samples']} samples, for {own['shards']} shards; different "
            f"{' and '.join(different or ['settings'])}. Choose another "
            f"folder, or remove the files that begin with {self._name!r} "
            "there."
        )

    def _in_threads(self, unfinished, workers, finished, lengths):
        """Writes shards and saves the progress after each of them."""
        with concurrent.futures.ThreadPoolExecutor(workers) as threads:
            futures = [threads.submit(self._write, n) for n in unfinished]
            try:
                for future in concurrent.futures.as_completed(futures):
                    number, shard, found = future.result()
                    finished[number], lengths[number] = shard, found
                    self._save_progress(finished)
            finally:
                self._stop.set()
                threads.shutdown(wait=True, cancel_futures=True)

    def _write(self, number):
        path = self._paths[number]
        temporary = storage.unfinished(path)
        lengths, unreadable = [], {}
        try:
            with tf.io.TFRecordWriter(temporary) as stream:
                for row in self._rows[number]:
                    if self._stop.is_set():
                        raise _Stopped
                    record = self._record(row, unreadable)
                    stream.write(record)
                    lengths.append(len(record))
                    self._count()
        except tf.errors.OpError as error:
            raise OSError(
                f"Expected to write {path}. Received: {error.message}. Run the "
                "same command again to continue once it can be written."
            ) from error
        size = sum(lengths) + files.FRAME * len(lengths)
        found = files.size_of(temporary)
        if found != size:
            raise OSError(
                f"Expected {size} bytes in {temporary}, as written. "
                f"Received: {found}; is the disk full?"
            )
        storage.publish(temporary, path)
        shard = {
            "records": len(lengths),
            "bytes": size,
            "unreadable": unreadable,
        }
        return number, shard, np.asarray(lengths, np.int64)

    def _record(self, row, unreadable):
        source, id = self._source, self._source.ids[row]
        try:
            image = self._read(row)
        except OSError as error:
            image = b""  # The index is taken; readers show a black image.
            unreadable[id] = str(error)
            self._count_failed(id, error)
        true_labels = source.true_labels
        return examples.encode(
            image,
            row,
            source.labels[row],
            id,
            self._set_id,
            None if true_labels is None else true_labels[row],
        )

    def _count(self):
        with self._lock:
            self._done += 1
            done, total = self._done, self._source.num_samples
            if done % _REPORT_EVERY == 0 or done == total:
                self._progress(done, total)

    def _count_failed(self, id, error):
        with self._lock:
            self._failed += 1
            failed = self._failed + self._left_out
        if failed > max(1, self._most):
            raise OSError(
                f"Expected at most {file_source.TOLERATED:.0%} of unreadable "
                f"images. Received: {failed} of {self._source.num_samples}, "
                f"such as {id}: {error}. Run the same command again to "
                "continue once they can be read."
            )

    def _save_progress(self, finished):
        progress = {
            "sha256": self._sha256,
            "description": self._contents.description,
            "finished": finished,
        }
        storage.replace(
            naming.progress_path(self._folder, self._name),
            json.dumps(progress, indent=1).encode("utf-8"),
        )

    def _save_index(self, finished, lengths):
        for number in sorted(finished):
            if number not in lengths:
                walked = files.walk(self._paths[number], with_data=False)
                lengths[number] = [length for _, length, _ in walked]
        shards = [finished[number] for number in sorted(finished)]
        all_lengths = [lengths[number] for number in sorted(lengths)]
        contents = dataclasses.replace(
            self._contents,
            shards=shards,
            lengths=np.concatenate(all_lengths).astype(np.int64),
        )
        index_file.save(naming.index_path(self._folder, self._name), contents)
        tf.io.gfile.remove(naming.progress_path(self._folder, self._name))


class _Stopped(Exception):
    """Another thread has failed."""


def _check_name(name):
    plain = "".join(c for c in name if c not in "-_.")
    if not plain.isalnum() or not name[0].isalnum():
        raise ConfigurationError(
            "Expected a name of letters, digits, '-', '_' and '.', which "
            f"begins with one of the first two. Received: name={name!r}"
        )


def _shard_count(shards, samples):
    if shards is None:
        return min(_SHARDS, samples)
    if not 1 <= shards <= samples:
        raise ConfigurationError(
            f"Expected between 1 and {samples} shards, a sample in each. "
            f"Received: shards={shards}"
        )
    return int(shards)


def _load_progress(path):
    data = files.open_file(path).read(0, files.size_of(path))
    try:
        progress = json.loads(data)
        held = {int(n): shard for n, shard in progress["finished"].items()}
        return progress["description"], progress["sha256"], held
    except (KeyError, ValueError) as error:
        raise ConfigurationError(
            "Expected a file with the progress of writing shards. Received: "
            f"{path} ({error!r}). Remove the set's files and start again."
        ) from error
