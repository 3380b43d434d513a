"""Writes sharded TFRecord files, which can be read fast and in any order.

python -m noisy_keras.data.shard --source=folder:pictures --output=shards
"""

import argparse
import collections.abc
import sys
import time

from noisy_keras.data.sources import origin
from noisy_keras.data.sources.folder_layout import LAYOUTS
from noisy_keras.data.sources.records import writer

_SPLITS = ("train", "validation", "test")
# Seconds between progress lines, on a terminal and in a log.
_EVERY_SECONDS = {True: 0.2, False: 10.0}


def main(arguments: collections.abc.Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: sequence of str, the command line arguments. Defaults to
            those of the process.

    Returns:
        int, the exit status: 0, 2 after an error, or 130 after an interrupt.
    """
    options = _parser().parse_args(arguments)
    try:
        found = origin.find(
            options.source,
            options.data_dir,
            layout=options.folder_layout,
            path_column=options.path_column,
            label_column=options.label_column,
            image_root=options.image_root,
        )
        for split in [options.split] if options.split else _splits(found):
            _write(options, found, split)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; run the same command to continue", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m noisy_keras.data.shard",
        description="Writes sharded TFRecord files. To continue a stopped "
        "run, run the same command again.",
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
        "--folder_layout",
        choices=LAYOUTS,
        help="what the sub-folders of folder:PATH are, if their names can be "
        "read in two ways",
    )
    parser.add_argument("--path_column", help="column of csv:PATH with paths")
    parser.add_argument("--label_column", help="column of csv:PATH with labels")
    parser.add_argument(
        "--image_root", help="folder that the paths in csv:PATH start from"
    )
    parser.add_argument(
        "--split",
        help="train, validation or test; default: all splits of the source, "
        "each written as a set of that name",
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
        help="side in pixels to which readers resize images by default; image "
        "files are copied unchanged",
    )
    return parser


def _splits(origin):
    """Returns the splits to write; `[None]` for a source without splits."""
    known = origin.splits
    if origin.fit != "train":
        known = known - {"validation"}  # It is part of the training split.
    return [split for split in _SPLITS if split in known] or [None]


def _write(options, found, split):
    source = found.load(split, image_size=options.image_size)
    name = split or "train"
    progress = _Progress(name)
    try:
        written = writer.write_tfrecord(
            source,
            options.output,
            name=name,
            shards=options.shards,
            workers=options.workers,
            progress=progress,
        )
    finally:
        progress.end()
    earlier = f" ({written.kept} of an earlier run)" if written.kept else ""
    print(
        f"{name}: {written.samples} samples in {written.shards} shards"
        f"{earlier}: {written.pattern}"
    )
    if written.unreadable:
        print(f"{len(written.unreadable)} images cannot be read:")
        for id, reason in written.unreadable.items():
            print(f"  {id}: {reason}")


class _Progress:
    """Prints progress and remaining time, in one line or in a log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start: tuple[int, float] | None = None
        self._next = 0.0
        self._terminal = sys.stdout.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._start is None:
            self._start = (done, now)
            self._next = now + _EVERY_SECONDS[self._terminal]
            return
        if now < self._next and done < total:
            return
        self._next = now + _EVERY_SECONDS[self._terminal]
        before, began = self._start
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

    def end(self) -> None:
        """Clears the line."""
        if self._terminal:
            print(" " * 78, end="\r")


def _time(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


if __name__ == "__main__":
    sys.exit(main())
