"""Writes sharded TFRecord files, which are read fast and in any order.

python -m noisy_keras.data.shard --source=folder:pictures --output=shards
"""

import argparse
import sys
import time

from noisy_keras.data.sources import origin
from noisy_keras.data.sources.records import writer

_SPLITS = ("train", "validation", "test")
_EVERY_SECONDS = {True: 0.2, False: 10.0}


def main(arguments=None):
    """Runs the command.

    Args:
        arguments: of the command line; default: those of the process.

    Returns:
        Exit status: 0; 2 where something is wrong; 130 where a person stopped
        it.
    """
    options = _parser().parse_args(arguments)
    try:
        found = origin.find(options.source, options.data_dir)
        for split in [options.split] if options.split else _splits(found):
            _write(options, found, split)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m noisy_keras.data.shard",
        description="Writes sharded TFRecord files. A stopped run is gone on "
        "with by the same command.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--source",
        "--dataset",
        required=True,
        help="folder:PATH, csv:PATH, tfrecord:PATH, tfds:NAME or a data set's "
        "name",
    )
    parser.add_argument("--data_dir", help="folder of a named data set's files")
    parser.add_argument(
        "--split",
        help="train, validation or test; default: all that the source has, "
        "each a set of that name",
    )
    parser.add_argument("--output", required=True, help="folder to write to")
    parser.add_argument(
        "--shards", type=int, help="files per split; default: 16"
    )
    parser.add_argument(
        "--workers", type=int, help="threads; default: one per core"
    )
    parser.add_argument(
        "--image_size",
        type=int,
        help="side in pixels that readers bring pictures to if they say "
        "nothing else; picture files are copied as they are",
    )
    return parser


def _splits(origin):
    """Which splits to write; None for a source without any."""
    known = origin.splits
    if origin.fit != "train":
        known = known - {"validation"}  # It is a part of training there.
    return [split for split in _SPLITS if split in known] or [None]


def _write(options, found, split):
    source = found.load(split, image_size=options.image_size)
    name = split or "train"
    told = _Told(name)
    try:
        written = writer.write_tfrecord(
            source,
            options.output,
            name=name,
            shards=options.shards,
            workers=options.workers,
            progress=told,
        )
    finally:
        told.end()
    earlier = f" ({written.kept} of them from before)" if written.kept else ""
    print(
        f"{name}: {written.samples} samples in {written.shards} shards"
        f"{earlier}: {written.pattern}"
    )
    if written.unreadable:
        print(f"{len(written.unreadable)} pictures cannot be read:")
        for id, reason in written.unreadable.items():
            print(f"  {id}: {reason}")


class _Told:
    """A line with progress and time left; lines now and then in a log."""

    def __init__(self, name):
        self._name = name
        self._first = None
        self._next = 0.0
        self._terminal = sys.stdout.isatty()

    def __call__(self, done, total):
        now = time.monotonic()
        if self._first is None:
            self._first = (done, now)
            self._next = now + _EVERY_SECONDS[self._terminal]
            return
        if now < self._next and done < total:
            return
        self._next = now + _EVERY_SECONDS[self._terminal]
        before, began = self._first
        rate = (done - before) / max(now - began, 1e-9)
        left = (total - done) / max(rate, 1e-9)
        line = (
            f"{self._name}: {done} of {total} samples, {rate:.0f} a second, "
            f"{_time(left)} left"
        )
        if self._terminal:
            print(f"{line:<78}", end="\r", flush=True)
        else:
            print(line, flush=True)

    def end(self):
        """Leaves the line to what comes next."""
        if self._terminal:
            print(" " * 78, end="\r")


def _time(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


if __name__ == "__main__":
    sys.exit(main())
