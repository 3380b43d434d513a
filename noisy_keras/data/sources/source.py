"""A source: index -> image and given label. Immutable.

A source says which sample, not what to do with it: order, views and batches
are made from it elsewhere and leave it as it is.
"""

import copy
import dataclasses

import numpy as np
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.data.augment import Augmentation
from noisy_keras.data.selection import classes as classes_module
from noisy_keras.data.selection import corrections
from noisy_keras.data.selection import partition
from noisy_keras.utils import checks

_PER_SAMPLE = "labels soft_labels true_labels foreign ids paths".split()


class Source:
    """Labelled images that methods train on.

    Attributes:
        num_samples: N.
        num_classes: K.
        class_names: tuple of K strings.
        image_shape: `(H, W, C)`.
        labels: int32 `[N]`, as given, maybe wrong. Read-only.
        soft_labels: float32 `[N, K]` where `relabel` was given distributions,
            else None; `labels` is then their top class.
        true_labels: int32 `[N]` where known, else None. For metrics only: no
            training batch ever holds them. -1 where unknown, and where the
            image belongs to no class.
        foreign: bool `[N]`, rows whose image belongs to no class, so that any
            label is wrong; None where there are none. For metrics only.
        ids: `[N]` strings, stable over time; they name samples in files.
        paths: `[N]` strings, or None for images that are no files.
        pixel_scale: value of a white pixel: 255 or 1.
        pixel_mean, pixel_std: per channel, of pixels scaled to `[0, 1]`.
        augmentation: `Augmentation`, the views that suit these pictures.
        look_alikes: name or dict of the classes that are mistaken for each
            other, for `AsymmetricNoise`; None where unknown.
        noise: dict that describes injected noise, or None; with `"before"`,
            the same of earlier noise, where there was some.
        name: for people and file names.
    """

    def __init__(
        self,
        labels,
        class_names,
        image_shape,
        *,
        true_labels=None,
        ids=None,
        paths=None,
        pixel_scale=255.0,
        pixel_mean=None,
        pixel_std=None,
        augmentation=None,
        noise=None,
        name="source",
    ):
        self.class_names = tuple(str(c) for c in class_names)
        self.labels = checks.labels(labels, len(self.class_names))
        self.soft_labels = None
        self.true_labels = None
        if true_labels is not None:
            self.true_labels = checks.labels(
                true_labels,
                len(self.class_names),
                what="true_labels",
                unknown_allowed=True,
            )
            checks.same_length(labels=self.labels, true_labels=self.true_labels)
        self.foreign = None
        self.look_alikes = None
        self.image_shape = tuple(int(v) for v in image_shape)
        self.ids = checks.as_ids(ids, len(self.labels))
        self.paths = None if paths is None else np.asarray(paths, object)
        checks.same_length(labels=self.labels, ids=self.ids)
        if self.paths is not None:
            checks.same_length(labels=self.labels, paths=self.paths)
        checks.distinct(self.class_names, "class_names")
        checks.distinct(self.ids, "ids")
        channels = self.image_shape[-1]
        self.pixel_scale = float(pixel_scale)
        self.pixel_mean = tuple(pixel_mean or (0.5,) * channels)
        self.pixel_std = tuple(pixel_std or (0.25,) * channels)
        self.augmentation = augmentation or Augmentation()
        self.noise = noise
        self.name = name

    @property
    def num_samples(self):
        return len(self.labels)

    @property
    def num_classes(self):
        return len(self.class_names)

    @property
    def truth_known(self):
        """bool `[N]`: whether it is known if the given label is right."""
        if self.true_labels is None:
            return np.zeros(self.num_samples, bool)
        known = self.true_labels >= 0
        return known if self.foreign is None else known | self.foreign

    def __len__(self):
        return self.num_samples

    def __repr__(self):
        return (
            f"<{type(self).__name__} {self.name!r}: {self.num_samples} images "
            f"{self.image_shape}, {self.num_classes} classes>"
        )

    def fetch(self, index):
        """Reads images, eagerly or inside `tf.data`.

        Args:
            index: int `[n]`.

        Returns:
            uint8 or float32 tensor `[n, H, W, C]` in `[0, pixel_scale]`.
        """
        raise NotImplementedError  # pragma: no cover

    def fetch_with_margin(self, index):
        """Reads images with what views may crop into, where there is more.

        Args:
            index: int `[n]`.

        Returns:
            As `fetch`, `[n, H, W, C]` or larger in height and width.
        """
        return self.fetch(index)

    def view(self, name):
        """A random view of these pictures: see `noisy_keras.data.augment`.

        Args:
            name: one of `noisy_keras.data.VIEWS`.

        Returns:
            A function of images of `fetch_with_margin`, a seed (int32 `[2]`)
            and a number of copies (1 if left out) to images
            `[copies * n, H, W, C]`: all images, then all once more.
        """
        return augment.view(
            name, self.augmentation, self.pixel_scale, self.image_shape[:2]
        )

    def fetch_targets(self, index):
        """Reads given labels as distributions, eagerly or inside `tf.data`.

        Args:
            index: int `[n]`.

        Returns:
            float32 `[n, K]`: one-hot, or the rows that `relabel` was given.
        """
        if self.soft_labels is not None:
            return tf.gather(self.soft_labels, index)
        return tf.one_hot(tf.gather(self.labels, index), self.num_classes)

    def relabel(self, labels, noise=None):
        """A new source with other labels.

        Args:
            labels: int `[N]`, or float `[N, K]` whose rows are distributions.
            noise: dict that describes how they were made, if by a generator.

        Returns:
            A `Source`; images, ids and true labels are shared.

        Raises:
            ValueError: another length, a label out of range, or rows that are
                no distributions.
        """
        source = copy.copy(self)
        labels = np.asarray(labels)
        if labels.ndim == 2:
            soft = checks.soft_labels(labels, self.num_classes)
            source.soft_labels = soft
            labels = checks.read_only(soft.argmax(axis=1).astype(np.int32))
        else:
            source.soft_labels = None
        source.labels = checks.labels(labels, self.num_classes)
        checks.same_length(samples=self.labels, labels=source.labels)
        source.noise = noise
        return source

    def relabel_from(self, path):
        """Labels from the CSV file of an edited audit: see `read_audit`.

        Returns:
            A new `Source` of the samples that stay.
        """
        return corrections.read_audit(path, self).apply(self)

    def with_noise(self, noise, **given):
        """A new source whose labels went through a noise generator.

        The labels before become the true labels, unless those are known.

        Args:
            noise: a `LabelNoise`, or None.
            **given: what its `apply` takes beside labels and K, such as
                `probabilities`. `InstanceNoise` sees the images by itself.

        Returns:
            A `Source`.
        """
        if noise is None:
            return self
        true_labels = self.labels
        if self.true_labels is not None:
            true_labels = self.true_labels
        noisy = noise.apply_to(self, **given)
        description = noise.describe()
        if self.noise is not None:
            description["before"] = self.noise
        source = self.relabel(noisy, noise=description)
        source.true_labels = true_labels
        return source

    def with_augmentation(self, **changes):
        """A new source whose views differ: see `Augmentation`."""
        source = copy.copy(self)
        source.augmentation = dataclasses.replace(self.augmentation, **changes)
        return source

    def subset(self, index, name=None):
        """A new source of some samples, in the order given.

        Args:
            index: int `[n]`, positions in this source.
            name: of the new source.

        Returns:
            A `Source` whose indices count from 0; `ids` stay.
        """
        index = checks.positions(index, self.num_samples)
        source = copy.copy(self)
        for field in _PER_SAMPLE:
            value = getattr(self, field)
            if value is not None:
                setattr(source, field, checks.read_only(value[index]))
        source.name = name or self.name
        source._select(index)
        return source

    def of_classes(self, classes, name=None):
        """A new source of the samples of some classes, numbered anew.

        A sample is of its true class where that is known, else of its given
        one. Those whose given label is none of these classes are left out too.

        Args:
            classes: at least two, by name or number, in their new order.
            name: of the new source.

        Returns:
            A `Source`; `ids` stay, and `noise` still describes the whole.

        Raises:
            ValueError: fewer than two, an unknown or a repeated class; or
                there are no such samples.
        """
        kept = classes_module.numbers(self, classes)
        checks.class_count(len(kept))
        return classes_module.restricted(self, kept, name)

    def hold_out(self, size, seed=0):
        """Splits at random, each class in proportion.

        Args:
            size: samples to hold out: a count, or a share in (0, 1).
            seed: of the choice.

        Returns:
            The rest and the part held out, two `Source`s.

        Raises:
            ValueError: a size that leaves one of them empty.
        """
        rest, held = partition.held_out(self.labels, size, seed)
        return (
            self.subset(rest, name=self.name),
            self.subset(held, name=f"{self.name} (held out)"),
        )

    def split(self, *, trusted, seed=0):
        """Takes a small set, to be trusted, out of the source.

        For methods that learn from a few checked labels (IEG, L2R, DMLP). The
        trusted part carries its right labels: those told, else the true ones
        where they are known, else the given ones.

        Args:
            trusted: samples per class, at least 1, chosen by true label where
                known; or ids of samples; or the path of a CSV file with the
                column `id` or `path` and maybe `label`, the right one by name
                or number.
            seed: of the choice.

        Returns:
            The rest and the trusted part, two `Source`s.

        Raises:
            OSError: a file that cannot be read.
            ValueError: a class has too few samples; ids that are not there,
                or twice; labels of no class; or none left to train on.
        """
        chosen, labels = partition.trusted(self, trusted, seed)
        rest = np.setdiff1d(np.arange(self.num_samples), chosen)
        part = self.subset(chosen, name=f"{self.name} (trusted)")
        if labels is not None:
            part = part.relabel(labels)
        return self.subset(rest, name=self.name), part

    def _select(self, index):
        """Restricts `fetch` of a fresh copy to `index`."""
        raise NotImplementedError  # pragma: no cover
