"""Converts the data that `fit`, `evaluate` and `predict` accept."""

import contextlib
import weakref

import numpy as np
import tensorflow as tf

from noisy_keras.core import evaluation
from noisy_keras.core import sample_weights
from noisy_keras.core import vectors
from noisy_keras.core.seen_data import Pictures  # noqa: F401
from noisy_keras.core.seen_data import check_fitted  # noqa: F401
from noisy_keras.core.seen_data import check_source
from noisy_keras.core.seen_data import check_trusted  # noqa: F401
from noisy_keras.core.seen_data import class_names
from noisy_keras.core.seen_data import is_source
from noisy_keras.core.seen_data import pictures_of
from noisy_keras.core.seen_data import white_pixel
from noisy_keras.data import batches
from noisy_keras.data.io import given_labels
from noisy_keras.data.sources import array_source
from noisy_keras.data.sources import feature_source
from noisy_keras.utils import checks
from noisy_keras.utils import deprecation
from noisy_keras.utils.errors import ConfigurationError

EVALUATION_BATCH_SIZE = 500

# Sources that were read from datasets, with the batch sizes of those, for as
# long as the datasets live.
_SOURCES = weakref.WeakKeyDictionary()


def evaluation_batches(model, source, batch_size=None):
    """A source as the dataset of `(image, label)` that Keras evaluates.

    Args:
        model: `NoisyLabelModel`.
        source: `Source`.
        batch_size: int, number of samples in a batch; default: 500.

    Raises:
        ConfigurationError: a source that does not fit the model.
    """
    check_source(model, source)
    return batches.for_evaluation(source, batch_size or EVALUATION_BATCH_SIZE)


def checked_dataset(model, dataset, batch_size=None):
    """A dataset that is checked while Keras evaluates or predicts it.

    Args:
        model: `NoisyLabelModel`.
        dataset: `tf.data.Dataset`, as of `Checked`.
        batch_size: int, number of samples in a batch where the dataset has
            none; default: 500.

    Returns:
        `Checked`.
    """
    return evaluation.Checked(
        dataset,
        model.image_shape,
        class_names(model),
        model.num_classes,
        white_pixel(model),
        batch_size or EVALUATION_BATCH_SIZE,
    )


def checked_images(model, images):
    """Images in memory, to be predicted.

    Args:
        model: `NoisyLabelModel`.
        images: array-like `[N, H, W, C]`, or `[N, H, W]` of grey images; or
            `[N, D]` where the model takes features.

    Returns:
        Array `[N, H, W, C]`, uint8 or float32; or float32 `[N, D]`.

    Raises:
        ConfigurationError: images of another shape or range than the model was
            built for.
    """
    if vectors.are_taken(model):
        return vectors.checked(model, images)
    expected = white_pixel(model)
    images = np.asarray(images)
    if images.shape == model.image_shape:
        raise ConfigurationError(
            "Expected a batch of images, [N, H, W, C], such as "
            f"`image[None]`. Received: one image of shape {images.shape}"
        )
    images, scale = checks.images(images, expected)
    if images.shape[1:] != model.image_shape:
        raise ConfigurationError(
            "Expected images as the model was built for: "
            f"{model.image_shape}. Received: shape {images.shape}"
        )
    if expected is not None and scale != expected:
        raise evaluation.other_scale(expected, scale)
    return images


def yields_batches(model, x):
    """Whether `x` yields batches of the model's phases itself.

    Args:
        model: `NoisyLabelModel`.
        x: training data, in any form that `fit` accepts.

    Returns:
        bool, True for an epoch plan and for a dataset of `{phase: fields}`.
    """
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        return isinstance(spec, dict) and any(
            list(spec) == [phase] for phase in model.steps()
        )
    return callable(x) and not is_source(x)


def as_plan(
    model,
    x,
    y,
    batch_size,
    seed,
    steps_per_epoch,
    sample_weight=None,
    class_weight=None,
):
    """Makes the epoch plan of training data.

    Args:
        model: `NoisyLabelModel`.
        x: training data, in any form that `fit` accepts.
        y: the given labels where `x` is an array, else None.
        batch_size: int, number of samples in a step over all replicas, B;
            default: that of a batched dataset, or the model's.
        seed: int, seed of everything random.
        steps_per_epoch: int, upper bound on the steps of a round, or None.
        sample_weight: float array `[N]`, or None.
        class_weight: dict from class to weight, or None.

    Returns:
        An `EpochPlan`, or a function of the epoch to a list of rounds.

    Raises:
        ConfigurationError: data that do not fit the model, or no data.
    """
    if yields_batches(model, x):
        if sample_weight is not None or class_weight is not None:
            raise ConfigurationError(
                "Expected no `sample_weight` or `class_weight` beside batches "
                "that a plan or a dataset makes; they may hold a `weight`. "
                f"Received: x of type {type(x).__name__}"
            )
        if not isinstance(x, tf.data.Dataset):
            return x
        if any(
            spec.shape.rank and spec.shape[0] is None
            for spec in tf.nest.flatten(x.element_spec)
        ):
            raise ConfigurationError(
                "Expected a dataset whose batches are all of one size, such as "
                "`.batch(64, drop_remainder=True)` makes. Received: "
                f"{x.element_spec}"
            )
        return lambda epoch: [x]
    x, own_batch_size = _training_source(model, x, y)
    x = sample_weights.weighted(x, sample_weight, class_weight)
    sample_weights.check(x, model.refuses_sample_weight, type(model).__name__)
    check_source(model, x, training=True)
    batch_size = (
        batch_size
        or own_batch_size
        or min(model.default_batch_size, x.num_samples)
    )
    if not 1 <= batch_size <= x.num_samples:
        raise ConfigurationError(
            "Expected a batch size of at least 1 and at most the number of "
            f"samples, {x.num_samples}. Received: batch_size={batch_size}"
        )
    replicas = model.distribute_strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise ConfigurationError(
            f"Expected a batch size that {replicas} replicas can share. "
            f"Received: batch_size={batch_size}"
        )
    if steps_per_epoch is not None and steps_per_epoch < 1:
        raise ConfigurationError(
            "Expected at least one step per epoch. "
            f"Received: steps_per_epoch={steps_per_epoch}"
        )
    model.pictures = pictures_of(x)
    make = model.make_plan
    if deprecation.overrides(model, "make_schedule", "make_plan"):
        deprecation.warn("make_schedule", "make_plan")
        make = model.make_schedule
    return make(x, batch_size, seed, steps_per_epoch)


def as_training_source(model, x):
    """The source of data that a model was fitted on, in any form.

    Args:
        model: `NoisyLabelModel`.
        x: `Source`, `tf.data.Dataset`, or a pair of arrays (images, labels).

    Returns:
        A `Source`; of a dataset that was passed to `fit`, the same one.

    Raises:
        ConfigurationError: data of another kind.
    """
    if isinstance(x, (list, tuple)) and len(x) == 2:
        return _training_source(model, *x)[0]
    if not is_source(x) and not isinstance(x, tf.data.Dataset):
        raise ConfigurationError(
            "Expected the data that the model was fitted on: a source, a "
            f"tf.data dataset or (images, labels). Received: {type(x).__name__}"
        )
    return _training_source(model, x)[0]


def _training_source(model, x, y=None):
    """The source of training data, and the batch size of a dataset or None."""
    if isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, dict):
        found, phases = sorted(x.element_spec), sorted(model.steps())
        if not set(found) >= {"image", "label"}:
            raise ConfigurationError(
                "Expected a dataset of (image, label), of dicts with `image` "
                f"and `label`, or of one of the phases {phases}. "
                f"Received: dicts of {found}"
            )
    if isinstance(x, tf.data.Dataset):
        return _read_once(x, model)
    if is_source(x):
        if y is not None:
            raise ConfigurationError(
                "Expected no `y` beside a source, which has its labels; "
                "`source.relabel(labels)` changes them. Received: y of type "
                f"{type(y).__name__}"
            )
        return x, None
    if x is None or y is None:
        raise ConfigurationError(
            "Expected a source, a dataset, an epoch plan, or images with "
            f"labels. Received: x of type {type(x).__name__}, y of type "
            f"{type(y).__name__}"
        )
    return as_source(model, x, y), None


def _read_once(dataset, model):
    """The source of a dataset; the same one whenever it is passed again.

    A dataset that shuffles yields another order each time. Read again, the
    rows of a model's tables would be those of other samples.
    """
    names = class_names(model)
    known = _SOURCES.setdefault(dataset, [])
    for source, batch_size in known:
        if names in (None, source.class_names):
            if source.num_classes == model.num_classes:
                return source, batch_size
    pairs = dataset
    if isinstance(dataset.element_spec, dict):  # As TFDS has them.
        names = evaluation.fields_of(dataset.element_spec)
        pairs = dataset.map(lambda row: tuple(row[n] for n in names))
    images, labels, weights, batch_size = array_source.read(
        pairs, vectors.are_taken(model)
    )
    source = as_source(model, images, labels)
    known.append((source.with_sample_weights(weights), batch_size))
    return known[-1]


def as_validation(model, data, batch_size):
    """Validation data as a dataset of `(image, label)`, or None.

    Args:
        model: `NoisyLabelModel`.
        data: `Source`, dataset, tuple of arrays (images, labels) or (images,
            labels, weights), or None.
        batch_size: int, number of samples in a batch; default: 500.

    Returns:
        `tf.data.Dataset`, and a function to a context that raises what is found
        to be wrong with the data while it is read.

    Raises:
        ConfigurationError: data of another kind, or that do not fit the model.
    """
    if isinstance(data, tf.data.Dataset):
        checked = checked_dataset(model, data, batch_size)
        return checked.dataset, checked.told
    if data is None:
        return None, contextlib.nullcontext
    if not is_source(data):
        if not isinstance(data, (list, tuple)) or len(data) not in (2, 3):
            raise ConfigurationError(
                "Expected `validation_data` to be a source, a tf.data dataset "
                "or (images, labels). Received: "
                f"{type(data).__name__}"
            )
        data = as_source(model, *data, soft_allowed=False)
    return evaluation_batches(model, data, batch_size), contextlib.nullcontext


def as_source(model, images, labels, weights=None, soft_allowed=True):
    """Converts arrays to a source that fits a model.

    Args:
        model: `NoisyLabelModel`.
        images: array `[N, H, W, C]`, see `from_arrays`.
        labels: labels in any form, see `from_arrays`. Integers are classes of
            the model; names are those of its classes, or, where it has seen
            none, as many names as it has classes, sorted.
        weights: float array `[N]`, or None.
        soft_allowed: bool, whether labels may be distributions.

    Returns:
        A `Source`.

    Raises:
        ConfigurationError: see `from_arrays`.
    """
    known = class_names(model)
    given = given_labels.read(
        labels, known, model.num_classes, soft_allowed=soft_allowed
    )
    names = known or given.class_names
    values = given.labels if given.soft is None else given.soft
    names = names or [str(c) for c in range(model.num_classes)]
    # Not `from_arrays`, which might take the numbers for names.
    if vectors.are_taken(model):
        source = feature_source.FeatureSource(images, values, names)
    else:
        source = array_source.ArraySource(
            images, values, names, pixel_scale=white_pixel(model)
        )
    return source.with_sample_weights(weights)
