"""The base class of sources: immutable maps from index to image and label.

A source contains samples; order, views and batches are made from it elsewhere
and do not change it.
"""

import collections.abc
import copy
import dataclasses
import os
from typing import Any
from typing import Protocol
from typing import Self
from typing import cast

import numpy as np
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.data.augment import Augmentation
from noisy_keras.data.io import given_labels
from noisy_keras.data.selection import classes as classes_module
from noisy_keras.data.selection import corrections
from noisy_keras.data.selection import partition
from noisy_keras.data.sources.reading import Reading
from noisy_keras.utils import checks
from noisy_keras.utils import pickling
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike

_PER_SAMPLE = (
    "labels soft_labels true_labels foreign ids paths texts "
    "sample_weights".split()
)


class NoiseGenerator(Protocol):
    """The part of a `LabelNoise` that `Source.with_noise` needs."""

    name: str

    def apply_to(self, source: "Source", **given: Any) -> np.ndarray:
        """Returns the noisy labels of a source, int `[N]`."""

    def describe(self) -> dict[str, Any]:
        """Returns the generator's options and actual noise rate."""


class Source:
    """Labelled images that methods train on.

    Attributes:
        num_samples: int, number of samples N.
        num_classes: int, number of classes K.
        class_names: tuple of K str.
        image_shape: tuple of int `(H, W, C)`, shape of the images in pixels.
        labels: int32 array `[N]`, the given labels, which may be wrong.
            Read-only.
        soft_labels: float32 array `[N, K]`, the distributions passed to
            `relabel`, or None. `labels` are then their most probable classes.
        true_labels: int32 array `[N]`, the true labels, or None if they are
            unknown. They are -1 where the true label is unknown, and where the
            image belongs to none of the classes. They are used for metrics
            only: no training batch contains them.
        foreign: bool array `[N]`, samples whose image belongs to none of the
            classes, so that every label is wrong; None if there are none. Used
            for metrics only.
        ids: object array `[N]` of str, which identify samples in files and do
            not change over time.
        paths: object array `[N]` of str, paths of the images' files, or None.
        texts: object array `[N]` of str, what a person reads of each sample;
            None for images.
        pixel_scale: float, value of a white pixel: 255 or 1.
        pixel_mean, pixel_std: tuples of C float, mean and standard deviation
            per channel of pixels scaled to `[0, 1]`.
        augmentation: `Augmentation`, the changes that leave the class of these
            images intact.
        look_alikes: name (str) or mapping of similar classes, for
            `AsymmetricNoise`; None if unknown.
        noise: dict that describes the label noise, or None. If noise was added
            to noisy labels, `"before"` describes the earlier noise.
        sample_weights: float32 array `[N]` of at least 0, what the loss of
            each sample is multiplied by, or None; see `with_sample_weights`.
        name: str, name of the source for messages and file names.
        reading: `Reading`, what was found, ignored and left out where the
            source was read from; None where there is nothing to say.
    """

    def __init__(
        self,
        labels: ArrayLike,
        class_names: collections.abc.Iterable[str],
        image_shape: collections.abc.Iterable[int],
        *,
        true_labels: ArrayLike | None = None,
        ids: collections.abc.Iterable[str] | None = None,
        paths: collections.abc.Sequence[str] | np.ndarray | None = None,
        pixel_scale: float = 255.0,
        pixel_mean: collections.abc.Sequence[float] | None = None,
        pixel_std: collections.abc.Sequence[float] | None = None,
        augmentation: Augmentation | None = None,
        noise: collections.abc.Mapping[str, Any] | None = None,
        name: str = "source",
    ) -> None:
        self.class_names = tuple(str(c) for c in class_names)
        checks.class_count(len(self.class_names))
        given = given_labels.read(labels, self.class_names)
        self.labels = given.labels
        self.soft_labels: np.ndarray | None = given.soft
        self.sample_weights: np.ndarray | None = None
        self.true_labels: np.ndarray | None = None
        if true_labels is not None:
            self.true_labels = given_labels.read(
                true_labels,
                self.class_names,
                what="true_labels",
                soft_allowed=False,
                unknown_allowed=True,
            ).labels
            checks.same_length(labels=self.labels, true_labels=self.true_labels)
        self.foreign: np.ndarray | None = None
        self.look_alikes: str | collections.abc.Mapping[int, int] | None = None
        shape = tuple(int(v) for v in image_shape)
        self.image_shape = cast("tuple[int, int, int]", shape)
        self.ids = checks.as_ids(ids, len(self.labels))
        self.paths = None if paths is None else np.asarray(paths, object)
        self.texts: np.ndarray | None = None
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
        self.reading: Reading | None = None

    @property
    def num_samples(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def truth_known(self) -> np.ndarray:
        """Whether it is known if the given label is right, bool `[N]`."""
        if self.true_labels is None:
            return np.zeros(self.num_samples, bool)
        known = self.true_labels >= 0
        return known if self.foreign is None else known | self.foreign

    def __len__(self) -> int:
        return self.num_samples

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name!r}: {self.num_samples} images "
            f"{self.image_shape}, {self.num_classes} classes>"
        )

    def fetch(self, index: TensorLike) -> tf.Tensor:
        """Reads images, eagerly or inside `tf.data`.

        Args:
            index: int array or tensor `[n]` in `[0, N)`.

        Returns:
            uint8 or float32 tensor `[n, H, W, C]` in `[0, pixel_scale]`.
        """
        raise NotImplementedError  # pragma: no cover

    def fetch_with_margin(self, index: TensorLike) -> tf.Tensor:
        """Reads images with a margin for random crops, if there is one.

        Args:
            index: int array or tensor `[n]` in `[0, N)`.

        Returns:
            Tensor as in `fetch`, of shape `[n, H, W, C]` or with larger height
            and width.
        """
        return self.fetch(index)

    def resized(self, size: int) -> Self:
        """Makes a source of square images of another size.

        Args:
            size: int, side in pixels.

        Returns:
            A `Source`.
        """
        raise NotImplementedError  # pragma: no cover

    def view(
        self, name: str | collections.abc.Callable[..., Any]
    ) -> collections.abc.Callable[..., tf.Tensor]:
        """Makes the function of a random view of these images.

        Args:
            name: one of `nk.data.VIEWS`; or a Keras layer, or a function of
                images and a seed, that keeps the shape of the images, see
                `noisy_keras.data.augment.CustomView`.

        Returns:
            A function `view(images, seed, copies=1)` of images as of
            `fetch_with_margin`, a seed (int32 `[2]`) and the number of views
            per image, to images `[copies * n, H, W, C]`: one view of every
            image, then the next view of every image.

        Raises:
            ConfigurationError: `name` is no view.
        """
        return augment.make_view(
            name, self.augmentation, self.pixel_scale, self.image_shape[:2]
        )

    def fetch_targets(self, index: TensorLike) -> tf.Tensor:
        """Reads given labels as distributions, eagerly or inside `tf.data`.

        Args:
            index: int array or tensor `[n]` in `[0, N)`.

        Returns:
            float32 tensor `[n, K]`: the rows of `soft_labels` if there are
            any, else one-hot labels.
        """
        if self.soft_labels is not None:
            return tf.gather(self.soft_labels, index)
        return tf.one_hot(tf.gather(self.labels, index), self.num_classes)

    def relabel(
        self,
        labels: ArrayLike,
        noise: collections.abc.Mapping[str, Any] | None = None,
    ) -> Self:
        """Makes a source with other given labels.

        Args:
            labels: int array `[N]`, or float array `[N, K]` whose rows are
                probability distributions; or the names of classes.
            noise: dict that describes the noise of the labels, or None.

        Returns:
            A `Source` that shares images, ids and true labels.

        Raises:
            ValueError: `labels` has another length, labels are out of range,
                or rows are not probability distributions.
        """
        source = copy.copy(self)
        given = given_labels.read(labels, self.class_names)
        source.labels, source.soft_labels = given.labels, given.soft
        checks.same_length(samples=self.labels, labels=source.labels)
        if given.soft is None and np.shape(labels) == (
            self.num_samples,
            self.num_classes,
        ):
            # Distributions stay distributions, even if each is of one class.
            rows = np.eye(self.num_classes, dtype=np.float32)[given.labels]
            source.soft_labels = checks.read_only(rows)
        source.noise = noise
        return source

    def with_sample_weights(self, weights: ArrayLike | None) -> Self:
        """Makes a source whose samples have weights in the loss.

        Args:
            weights: float array `[N]` of finite numbers of at least 0; or None
                for no weights.

        Returns:
            A `Source`.

        Raises:
            ValueError: `weights` has another length or other values.
        """
        source = copy.copy(self)
        source.sample_weights = None
        if weights is not None:
            source.sample_weights = checks.sample_weights(
                weights, self.num_samples
            )
        return source

    def relabel_from(self, path: str | os.PathLike) -> Self:
        """Makes a source with the corrections of an edited label audit.

        Args:
            path: str, path of a CSV file as in `read_audit`.

        Returns:
            A `Source` with corrected labels, without the samples that the
            audit leaves out.

        Raises:
            OSError: the file cannot be read.
            ValueError: the file is invalid, as in `read_audit`.
        """
        return corrections.read_audit(path, self).apply(self)

    def with_noise(self, noise: NoiseGenerator | None, **given: Any) -> Self:
        """Makes a source whose labels a noise generator has corrupted.

        The labels of this source become the true labels, unless it has true
        labels.

        Args:
            noise: `LabelNoise`, or None for no noise.
            **given: further arguments of the generator's `apply`, such as
                `probabilities`. `InstanceNoise` reads the images of this
                source.

        Returns:
            A `Source`.

        Raises:
            ValueError: as in the generator's `apply`.
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

    def with_augmentation(self, **changes: Any) -> Self:
        """Makes a source with other views.

        Args:
            **changes: fields of `Augmentation` with their new values.

        Returns:
            A `Source`.
        """
        source = copy.copy(self)
        source.augmentation = dataclasses.replace(self.augmentation, **changes)
        return source

    def subset(self, index: ArrayLike, name: str | None = None) -> Self:
        """Makes a source of some samples, in the order of `index`.

        Args:
            index: int array `[n]`, positions in this source; negative ones
                count from the end. Or bool array `[N]`.
            name: str, name of the new source. Defaults to that of this source.

        Returns:
            A `Source` of n samples, which keep their `ids`.

        Raises:
            ValueError: `index` is empty or out of range.
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

    def of_classes(
        self,
        classes: collections.abc.Sequence[str | int],
        name: str | None = None,
    ) -> Self:
        """Makes a source of the samples of some classes, with new numbers.

        A sample belongs to its true class if that is known, else to its given
        class. Samples whose given label is none of these classes are left out
        as well.

        Args:
            classes: sequence of at least two names (str) or numbers (int), in
                their new order.
            name: str, name of the new source. Defaults to that of this source.

        Returns:
            A `Source` whose samples keep their `ids`. Its `noise` still
            describes all samples of this source.

        Raises:
            ValueError: there are fewer than two classes, a class is unknown or
                repeated, or there are no such samples.
        """
        kept = classes_module.numbers(self, classes)
        checks.class_count(len(kept))
        return classes_module.restricted(self, kept, name)

    def hold_out(self, size: float, seed: int = 0) -> tuple[Self, Self]:
        """Splits the source into two at random, each class in proportion.

        Args:
            size: number of samples to hold out (int), or their share (float in
                `(0, 1)`).
            seed: int, the seed of the choice.

        Returns:
            A pair of `Source`s: the remaining samples and those held out.

        Raises:
            ValueError: one of the parts would be empty.
        """
        rest, held = partition.held_out(self.labels, size, seed)
        return (
            self.subset(rest, name=self.name),
            self.subset(held, name=f"{self.name} (held out)"),
        )

    def split(
        self,
        *,
        trusted: int | str | os.PathLike | collections.abc.Iterable[str],
        seed: int = 0,
    ) -> tuple[Self, Self]:
        """Splits off a small set of trusted samples.

        Used by methods that learn from a few verified labels (IEG, L2R, DMLP).
        The labels of the trusted part are those of the CSV file if it contains
        any, else the true labels if they are known, else the given labels.

        Args:
            trusted: int, at least 1, samples per class, chosen by true label
                if that is known; or iterable of str, the samples' ids; or str,
                path of a CSV file with the column `id` or `path` and
                optionally `label`, the true label by name or number.
            seed: int, the seed of the choice.

        Returns:
            A pair of `Source`s: the remaining samples and the trusted ones.

        Raises:
            OSError: the file cannot be read.
            ValueError: a class has too few samples; ids are unknown or
                repeated; labels are not classes; or no samples are left to
                train on.
        """
        chosen, labels = partition.trusted(self, trusted, seed)
        rest = np.setdiff1d(np.arange(self.num_samples), chosen)
        part = self.subset(chosen, name=f"{self.name} (trusted)")
        if labels is not None:
            part = part.relabel(labels)
        return self.subset(rest, name=self.name), part

    def __getstate__(self) -> dict[str, Any]:
        return pickling.state(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(pickling.restored(state))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # Sources are immutable, and images may fill the memory.
        return copy.copy(self)

    def __copy__(self) -> Self:
        source = object.__new__(type(self))
        source.__dict__.update(self.__dict__)
        return source

    def _select(self, index):
        """Restricts `fetch` of a new copy to `index`."""
        raise NotImplementedError  # pragma: no cover
