"""Sources whose samples are vectors of features, of whatever origin."""

import collections.abc
import hashlib
from typing import Any
from typing import NoReturn
from typing import cast

import numpy as np
import tensorflow as tf

from noisy_keras.data import augment
from noisy_keras.data.augment import FeatureAugmentation
from noisy_keras.data.io import class_labels
from noisy_keras.data.io import feature_arrays
from noisy_keras.data.io import given_labels
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.errors import warn_about_data
from noisy_keras.utils.types import ArrayLike
from noisy_keras.utils.types import TensorLike


class FeatureSource(Source):
    """A `Source` whose samples are vectors `[D]`.

    The array is kept as it is, of its own dtype and also if it is
    memory-mapped; rows are converted to float32 when they are read. Do not
    write to it while the source is used.

    Its `image_shape` is `(D,)`, its `pixel_mean` and `pixel_std` are the mean
    and the standard deviation of each column (1 where a column is constant),
    and its `augmentation` is a `FeatureAugmentation`.

    Args:
        features: array-like `[N, D]` of finite numbers.
        labels: int array `[N]`, the given labels, or distributions `[N, K]`.
        class_names: sequence of K str.
        texts: sequence of N str, what a person reads of each sample; or None.
        rows: int array `[N]`, the rows of `features` that the samples are,
            where it has others, too; None if it has as many rows.
        augmentation: `FeatureAugmentation`, or None for the usual one.
        **options: further arguments of `Source`.

    Attributes:
        columns: `Columns`, statistics of all samples; subsets share them.
    """

    def __init__(
        self,
        features: ArrayLike,
        labels: ArrayLike,
        class_names: collections.abc.Sequence[str],
        *,
        texts: collections.abc.Sequence[str] | None = None,
        rows: np.ndarray | None = None,
        augmentation: FeatureAugmentation | None = None,
        **options: Any,
    ) -> None:
        array = feature_arrays.read(features)
        labels = given_labels.as_array(labels)
        checks.same_length(
            features=array if rows is None else rows,
            labels=np.atleast_1d(labels),
        )
        self.columns = feature_arrays.scan(array, rows=rows)
        super().__init__(
            labels,
            class_names,
            array.shape[1:],
            pixel_scale=1.0,
            pixel_mean=self.columns.mean.tolist(),
            pixel_std=self.columns.scale.tolist(),
            **options,
        )
        self.augmentation = cast(Any, augmentation or FeatureAugmentation())
        self._features = array
        self._rows = rows
        if texts is not None:
            self.texts = np.array([str(text) for text in texts], object)
            checks.same_length(labels=self.labels, texts=self.texts)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name!r}: {self.num_samples} "
            f"vectors {self.image_shape}, {self.num_classes} classes>"
        )

    def fetch(self, index: TensorLike) -> tf.Tensor:
        """Reads features, eagerly or inside `tf.data`.

        Args:
            index: int array or tensor `[n]` in `[0, N)`.

        Returns:
            float32 tensor `[n, D]`.
        """
        with tf.device("CPU"):
            index = tf.cast(index, tf.int64)
            rows = tf.numpy_function(self._take, [index], tf.float32)
        return tf.ensure_shape(rows, [*index.shape, *self.image_shape])

    def view(
        self, name: str | collections.abc.Callable[..., Any]
    ) -> collections.abc.Callable[..., tf.Tensor]:
        """Makes the function of a random view of these features.

        Args:
            name: one of `nk.data.VIEWS` but `"simclr"`; or a Keras layer, or a
                function of features and a seed, that keeps their shape.

        Returns:
            A function `view(features, seed, copies=1)` of float32 `[n, D]`, a
            seed (int32 `[2]`) and the number of views per sample, to
            `[copies * n, D]`: one view of every sample, then the next.

        Raises:
            ConfigurationError: `name` is no view, or one of pictures alone.
        """
        return augment.make_feature_view(
            name,
            cast(FeatureAugmentation, cast(Any, self.augmentation)),
            self.pixel_mean,
            self.pixel_std,
        )

    def resized(self, size: int) -> NoReturn:
        """Raises, because features have no size.

        Args:
            size: int.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            "Expected pictures, which can be resized. Received: "
            f"image_size={size} with {self!r}"
        )

    def digests(self) -> collections.abc.Iterator[bytes]:
        """Yields a hash of each vector, as float32, in index order."""
        size = max(1, 2**20 // self.image_shape[0])
        for start in range(0, self.num_samples, size):
            stop = min(start + size, self.num_samples)
            for row in self._take(np.arange(start, stop)):
                yield hashlib.blake2b(row.tobytes(), digest_size=16).digest()

    def _take(self, index):
        """Rows as float32 `[n, D]`."""
        if self._rows is not None:
            index = self._rows[index]
        rows = np.asarray(self._features[index])
        return np.ascontiguousarray(rows, np.float32)

    def _select(self, index):
        # Subsets share the features of the whole source.
        self._rows = index if self._rows is None else self._rows[index]


def from_features(
    features: ArrayLike,
    labels: ArrayLike,
    true_labels: ArrayLike | None = None,
    class_names: collections.abc.Sequence[str] | None = None,
    sample_weight: ArrayLike | None = None,
    **options: Any,
) -> FeatureSource:
    """Makes a source from features that exist already.

    Features are vectors that describe the samples, such as embeddings of
    pictures, texts or sounds, or the columns of a table. Every method that
    needs no pixels trains on them, with the networks `"linear"` and `"mlp"`.

    Args:
        features: array `[N, D]` of finite numbers: float16, float32, float64
            or integers, in memory or memory-mapped. It is not copied.
        labels: the given labels, which may be wrong, in any form that
            `from_arrays` takes.
        true_labels: the true labels, -1 or missing where unknown; or None. They
            are used for metrics only.
        class_names: sequence of K str, the classes in order, as in
            `from_arrays`.
        sample_weight: float array `[N]`, see `Source.with_sample_weights`; or
            None.
        **options: `texts`, what a person reads of each sample, and `paths`, a
            file or link of each sample, sequences of N str for audits and
            reports; `ids`, `name` and `augmentation` (a
            `nk.data.FeatureAugmentation`), as in `Source`.

    Returns:
        A `Source`.

    Raises:
        ValueError: features of another shape or dtype, not finite, or too
            large for float32; another number of labels; labels that are
            missing or no classes; or fewer than two classes.

    Warns:
        DataWarning: columns are constant.

    Example:
        >>> features = np.random.RandomState(0).normal(size=(6, 4))
        >>> source = from_features(features, ["a", "b", "a", "b", "a", "b"])
        >>> source
        <FeatureSource 'source': 6 vectors (4,), 2 classes>
        >>> source.fetch([0, 5]).shape
        TensorShape([2, 4])
    """
    array = feature_arrays.read(features)
    checks.same_length(
        features=array, labels=np.atleast_1d(given_labels.as_array(labels))
    )
    soft = given_labels.distributions(labels, class_names)
    if soft is not None:
        # Numbers of classes alone might be taken for names.
        width = soft.shape[1]
        labels = np.eye(width, dtype=np.uint8)[soft.argmax(axis=1)]
        class_names = class_names or [str(c) for c in range(width)]
    found = class_labels.encode(labels, class_names, true_labels=true_labels)
    source = FeatureSource(
        array,
        found.labels if soft is None else soft,
        found.class_names,
        true_labels=found.true_labels,
        **options,
    )
    warn_about_data([*found.notes, *source.columns.notes()])
    if sample_weight is None:
        return source
    return source.with_sample_weights(sample_weight)
