"""TFDS builders of the data sets that `noisy_keras.data.layouts` reads."""

import collections.abc
import os
import re
import warnings

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from noisy_keras.data import layouts
from noisy_keras.data.builders import base
from noisy_keras.data.io import decoding
from noisy_keras.data.io import whole
from noisy_keras.data.sources.file_source import TOLERATED
from noisy_keras.utils.errors import ConfigurationError


class LayoutBuilder(  # type: ignore[call-arg]
    base.NoisyLabelsBuilder, skip_registration=True
):
    """A TFDS builder for image files in their authors' folder structure.

    The examples are those that the readers in `noisy_keras.data.layouts` list.
    JPEG and PNG files are copied byte for byte; those of other formats are
    converted to PNG. All lists are read and compared with the files
    before the first example is written.

    Attributes:
        LAYOUT: str, name in `layouts.BY_NAME`.
        CLASS_NAMES: sequence of K str, the published class names.
        OPTIONAL_SPLITS: tuple of str, splits that are left out if their lists
            are missing.
        CLEAN_SPLITS: tuple of str, splits whose labels people verified.
    """

    LAYOUT = ""
    CLASS_NAMES: collections.abc.Sequence[str] = ()
    OPTIONAL_SPLITS: tuple[str, ...] = ()
    CLEAN_SPLITS: tuple[str, ...] = ("validation", "test", "clean_train")

    def _layout(self):
        return layouts.BY_NAME[self.LAYOUT]

    def _features(self):
        return {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "id": tfds.features.Text(),
            "label": self._label_feature(),
            "clean_label": self._label_feature(),
        }

    def _label_feature(self):
        return tfds.features.ClassLabel(names=list(self.CLASS_NAMES))

    def _split_generators(self, dl_manager):
        root = self._own_folder(dl_manager.manual_dir)
        listings = self._read(root)
        for split, listing in listings.items():
            _require_distinct(listing.ids, split)
        self._check_class_names(root, next(iter(listings.values())))
        more = self._layout().more
        report = layouts.check_files(
            *listings.values(), beside=more(root) if more else ()
        )
        report.require_all()
        if report.surplus:
            warnings.warn(
                f"Expected no other images besides those in {self.name}'s "
                f"lists in {root}. Received: {report}. They are left out.",
                stacklevel=2,
            )
        counts = {split: len(listing) for split, listing in listings.items()}
        self._check_counts(counts, self._layout().counts)
        self.info.metadata["surplus"] = report.surplus
        self.info.metadata["shared_ids"] = _shared(listings)
        for split, listing in listings.items():
            clean = self._clean_labels(split, listing)
            self._note_labels(split, listing.labels, clean)
        return {
            split: self._generate_examples(split, listing)
            for split, listing in listings.items()
        }

    def _read(self, root):
        """Reads the available listings, a dict from split to `Listing`."""
        listings = {}
        for split in self._layout().splits:
            try:
                listings[split] = self._layout().read(root, split)
            except FileNotFoundError as error:
                if split not in self.OPTIONAL_SPLITS or not listings:
                    raise
                problem = str(error).partition("\n")[0]
                warnings.warn(
                    f"{problem} The split {split!r} is left out.",
                    stacklevel=2,
                )
        return listings

    def _check_class_names(self, root, listing):
        """Raises a `ValueError` unless the classes are the published ones."""
        del root  # Used by builders whose class names are in another file.
        pairs = zip(listing.class_names, self.CLASS_NAMES, strict=True)
        wrong = [
            f"{name!r} instead of {published!r} for label {label}"
            for label, (name, published) in enumerate(pairs)
            if _letters(name) != _letters(published)
        ]
        if wrong:
            raise ConfigurationError(
                f"Expected the published class names of {self.name}. "
                f"Received: {len(wrong)} other: {', '.join(wrong[:3])}"
            )

    def _clean_labels(self, split, listing):
        """Returns the true labels, int32 `[N]`, -1 where unknown."""
        if split in self.CLEAN_SPLITS:
            return listing.labels
        if listing.true_labels is None:
            return np.full(len(listing), -1, np.int32)
        return listing.true_labels

    def _generate_examples(self, split, listing):
        clean_labels = self._clean_labels(split, listing)
        unreadable = {}
        for row, path in enumerate(listing.paths):
            try:
                image = _encoded(os.path.join(listing.root, path))
            except (OSError, ValueError) as error:
                unreadable[listing.ids[row]] = str(error)
                self._note_unreadable(split, listing, unreadable)
                continue
            yield (
                listing.ids[row],
                {
                    "image": image,
                    "id": listing.ids[row],
                    "label": listing.labels[row],
                    "clean_label": clean_labels[row],
                    **self._more(listing, row),
                },
            )
        if unreadable:
            warnings.warn(
                f"Expected images in all files of {split!r}. Received: "
                f"{_summary(unreadable)}. They are left out.",
                stacklevel=2,
            )

    def _more(self, listing, row):
        """Returns the features that only one data set has."""
        del listing, row
        return {}

    def _note_unreadable(self, split, listing, unreadable):
        noted = self.info.metadata.setdefault("unreadable", {})
        noted[split] = list(unreadable)
        # Sources of image files tolerate the same share.
        if len(unreadable) > max(1, TOLERATED * len(listing)):
            raise ConfigurationError(
                f"Expected at most {TOLERATED:.0%} of unreadable images. "
                f"Received: {_summary(unreadable)}, of {len(listing)} in "
                f"{listing.root}. Repair or remove them."
            )


def _encoded(path):
    """Returns a file's bytes, as PNG where TFDS cannot read the format."""
    data = decoding.read_bytes(path)
    if whole.check(data) in ("JPEG", "PNG"):
        return data
    # TensorFlow adds an axis to a GIF and rejects some BMP files.
    return tf.io.encode_png(decoding.decode_small(data)).numpy()


def _require_distinct(ids, split):
    seen, repeated = set(), []
    for name in ids:
        if name in seen:
            repeated.append(name)
        seen.add(name)
    if repeated:
        raise ConfigurationError(
            f"Expected each image once in the list of {split!r}. Received: "
            f"{len(repeated)} repeated, such as {', '.join(repeated[:3])}. "
            "Remove them from the list."
        )


def _shared(listings):
    """Counts the ids that two splits have in common, by `"one, other"`."""
    ids = {split: set(listing.ids) for split, listing in listings.items()}
    names = list(ids)
    counts = {
        f"{one}, {other}": len(ids[one] & ids[other])
        for i, one in enumerate(names)
        for other in names[i + 1 :]
    }
    return {pair: count for pair, count in counts.items() if count}


def _letters(name):
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _summary(unreadable):
    shown = list(unreadable.items())[:3]
    names = "; ".join(f"{path}: {why}" for path, why in shown)
    return f"{len(unreadable)} unreadable ({names})"
