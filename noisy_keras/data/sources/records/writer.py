"""Writing a source to sharded TFRecord files, in parallel and resumably.

Each shard is written under another name and renamed when it is whole. What is
finished is kept in a file of progress, which the index of the set replaces at
the end. So a stop at any moment costs the shards that were being written.
"""

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
from noisy_keras.data.sources.records import encoding
from noisy_keras.data.sources.records import index_file
from noisy_keras.utils.errors import ConfigurationError

_SHARDS = 16
_TELL_EVERY = 64


@dataclasses.dataclass(frozen=True)
class Written:
    """A set on the disk.

    Attributes:
        pattern: that `from_tfrecord` takes.
        samples: in the set.
        shards: files that hold them.
        kept: of those, what an earlier run had finished.
        unreadable: dict from id to why a picture was left out, or stands in
            the set without its bytes because it broke while it was copied.
    """

    pattern: str
    samples: int
    shards: int
    kept: int
    unreadable: dict


def write_tfrecord(
    source, folder, *, name="train", shards=None, workers=None, progress=None
):
    """Writes a source to sharded TFRecord files.

    Picture files are copied as they are; arrays become PNG, or raw numbers
    where they are not bytes. A run that was stopped is gone on with by the
    same call: finished shards stay, and the files are the same in the end.

    Args:
        source: a `Source`.
        folder: to write to; made if it is not there. Any file system that
            TensorFlow knows.
        name: of the set, such as that of the split.
        shards: files to write; default: 16, or less for very few samples.
        workers: threads, each on a shard; default: one per core.
        progress: function of samples done and samples in all; called now and
            then, from one thread at a time.

    Returns:
        `Written`.

    Raises:
        OSError: the folder cannot be written, or another run is writing.
        ValueError: what is there is of another source or other shards; more
            than 1 % unreadable pictures; or arguments out of range.
    """
    folder = os.path.expanduser(str(folder))
    _check_name(name)
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
    with storage.alone(folder, name):
        writing = _Writing(source, read, contents, folder, name, progress)
        return writing.run(workers or os.cpu_count() or 1)


class _Writing:
    """One run."""

    def __init__(self, source, read, contents, folder, name, progress):
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
        self._most = file_source.TOLERATED * source.num_samples
        self._left_out = len(contents.description["left_out"])

    def run(self, workers):
        finished, complete = self._resumed()
        kept, lengths = len(finished), {}
        unfinished = [number for number in self._rows if number not in finished]
        self._done = sum(len(self._rows[number]) for number in finished)
        self._progress(self._done, self._source.num_samples)
        if unfinished or not complete:
            # Readers must not take the set for whole while shards change.
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
        """Shards that are finished, by number; whether the set once was."""
        path = naming.progress_path(self._folder, self._name)
        complete = files.size_of(path) is None
        if complete:
            path = naming.index_path(self._folder, self._name)
            if files.size_of(path) is None:
                self._check_nothing_there()
                return {}, False
            earlier = index_file.load(path)
            told = earlier.description
            sha256, held = earlier.sha256, dict(enumerate(earlier.shards))
        else:
            told, sha256, held = _load_progress(path)
        if sha256 != self._sha256:
            self._refuse(told)
        finished = {
            number: shard
            for number, shard in held.items()
            # Pictures that could not be read may be there by now.
            if not shard["unreadable"]
            and files.size_of(self._paths[number]) == shard["bytes"]
        }
        return finished, complete

    def _check_nothing_there(self):
        others = naming.shards_of(self._folder, self._name)
        if others:
            raise ConfigurationError(
                f"Expected no shards of the name {self._name!r} in "
                f"{self._folder} that this command did not write. Received: "
                f"{os.path.basename(others[0])}. Choose another folder."
            )

    def _refuse(self, told):
        mine = self._contents.description
        keys = "name root samples shards class_names labels".split()
        differing = [k for k in keys if told.get(k) != mine[k]] or ["settings"]
        told_by = f"{told['name']}, {told['samples']} samples"
        raise ConfigurationError(
            f"Expected to go on with the set {self._name!r} in {self._folder}, "
            f"written from {told_by} in {told['shards']} shards. Received: "
            f"{mine['name']}, {mine['samples']} samples, for {mine['shards']} "
            f"shards; other {' and '.join(differing)}. Choose another folder, "
            f"or remove the files that begin with {self._name!r} there."
        )

    def _in_threads(self, unfinished, workers, finished, lengths):
        """Writes shards, and notes each that is finished."""
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
                f"Expected to write {path}. Received: {error.message}. When "
                "it can be written, the same command goes on from here."
            ) from error
        size = sum(lengths) + files.FRAME * len(lengths)
        found = files.size_of(temporary)
        if found != size:
            raise OSError(
                f"Expected {size} bytes in {temporary}, as were written. "
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
            image = b""  # Its index is taken; a source shows it black.
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
            if done % _TELL_EVERY == 0 or done == total:
                self._progress(done, total)

    def _count_failed(self, id, error):
        with self._lock:
            self._failed += 1
            failed = self._failed + self._left_out
        if failed > max(1, self._most):
            raise OSError(
                f"Expected at most {file_source.TOLERATED:.0%} of unreadable "
                f"pictures. Received: {failed} of {self._source.num_samples}, "
                f"such as {id}: {error}. When they can be read, the same "
                "command goes on from here."
            )

    def _save_progress(self, finished):
        told = {
            "sha256": self._sha256,
            "description": self._contents.description,
            "finished": finished,
        }
        storage.replace(
            naming.progress_path(self._folder, self._name),
            json.dumps(told, indent=1).encode("utf-8"),
        )

    def _save_index(self, finished, lengths):
        for number in sorted(finished):
            if number not in lengths:
                walked = files.walk(self._paths[number], with_data=False)
                lengths[number] = [length for _, length, _ in walked]
        shards = [finished[number] for number in sorted(finished)]
        whole = np.concatenate([lengths[number] for number in sorted(lengths)])
        contents = dataclasses.replace(
            self._contents, shards=shards, lengths=whole.astype(np.int64)
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
        told = json.loads(data)
        held = {int(n): shard for n, shard in told["finished"].items()}
        return told["description"], told["sha256"], held
    except (KeyError, ValueError) as error:
        raise ConfigurationError(
            f"Expected the progress of writing shards. Received: {path} "
            f"({error!r}). Remove the set's files and start again."
        ) from error
