"""Prepares a data set for TFDS: `python -m noisy_keras.data.builders`."""

import argparse
import collections.abc
import os
import sys
import warnings

import tensorflow_datasets as tfds

from noisy_keras.data import builders
from noisy_keras.utils.errors import ConfigurationError


def main(arguments: collections.abc.Sequence[str] | None = None) -> int:
    """Prepares a data set and prints a summary of it.

    Args:
        arguments: list of str, the command line arguments. Defaults to those
            of the process.

    Returns:
        int, the exit status: 0, or 1 after an error, which is printed in one
        line.
    """
    options = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            _check(options)
            builder = _prepare(options)
        except Exception as error:  # Raised by files, TFDS or its downloader.
            print(f"error: {error}", file=sys.stderr)
            return 1
    print(_report(builder))
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m noisy_keras.data.builders",
        description="Prepares a data set for TFDS from its original files.",
    )
    parser.add_argument(
        "--dataset",
        required=True,
        help=f"{', '.join(builders.BY_NAME)}, followed by /CONFIG where a data "
        "set has several, as in webvision/mini",
    )
    parser.add_argument(
        "--manual_dir",
        help="folder of the original files; default: TFDS' manual folder",
    )
    parser.add_argument(
        "--data_dir", help="folder to write to; default: TFDS' data folder"
    )
    parser.add_argument(
        "--strict_counts",
        action="store_true",
        help="fail if a split does not have the published number of samples",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="prepare the data set again if it exists",
    )
    return parser


def _check(options):
    name, _, config = options.dataset.partition("/")
    if name not in builders.BY_NAME:
        raise ConfigurationError(
            f"Expected a data set, one of {', '.join(builders.BY_NAME)}. "
            f"Received: {name!r}"
        )
    builder = builders.BY_NAME[name]
    configs = [c.name for c in builder.BUILDER_CONFIGS]
    if config and config not in configs:
        raise ConfigurationError(
            f"Expected a config of {name}, one of {', '.join(configs) or '-'}. "
            f"Received: {config!r}"
        )
    folder = options.manual_dir
    if folder is not None and not os.path.isdir(folder):
        raise ConfigurationError(
            f"Expected `manual_dir`, a folder. Received: {folder!r}.\n"
            f"{builder.MANUAL_DOWNLOAD_INSTRUCTIONS}"
        )


def _prepare(options):
    name, _, config = options.dataset.partition("/")
    builder = builders.BY_NAME[name](
        data_dir=options.data_dir and os.path.expanduser(options.data_dir),
        config=config or None,
        strict_counts=options.strict_counts,
    )
    modes = tfds.download.GenerateMode
    mode = modes.REUSE_DATASET_IF_EXISTS
    if options.overwrite:
        mode = modes.REUSE_CACHE_IF_EXISTS
    elif builder.is_prepared():
        print(f"{builder.data_dir} is already prepared.")
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=options.manual_dir, download_mode=mode
        )
    )
    return builder


def _report(builder):
    # Iterating loads the metadata that TFDS wrote; `get` does not.
    metadata = dict(builder.info.metadata.items())
    lines = [f"{builder.info.full_name} in {builder.data_dir}"]
    for split, entry in metadata.get("labels", {}).items():
        written = builder.info.splits[split].num_examples
        line = f"  {split}: {written:,} samples"
        if entry["right"] == entry["samples"]:
            line += ", all labels clean"
        elif entry["known"]:
            share = entry["right"] / entry["known"]
            line += f", {share:.2%} of {entry['known']:,} known labels right"
        unreadable = len(metadata.get("unreadable", {}).get(split, ()))
        if unreadable:
            line += f", {unreadable:,} unreadable left out"
        lines.append(line)
    for pair, count in metadata.get("shared_ids", {}).items():
        lines.append(f"  in both of {pair}: {count:,} samples")
    lines.append(f"  files in no list: {metadata.get('surplus', 0):,}")
    return "\n".join(lines)


def _show_warning(message, *_, **__):
    print(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
