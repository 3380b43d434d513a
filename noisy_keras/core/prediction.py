"""Predictions of image files, which a trained model has not seen."""

import dataclasses
import os

import numpy as np
import tensorflow as tf

from noisy_keras.core import inputs
from noisy_keras.data.sources import picture_source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True, eq=False)
class FilePredictions:
    """What a model predicts for a list of pictures.

    Attributes:
        paths: list of N str; "" for images that are in memory.
        probabilities: float32 `[N, K]`, rows of NaN where a picture cannot be
            read.
        class_names: tuple of K str.
        unreadable: dict from position (int) to the reason (str).
    """

    paths: list
    probabilities: np.ndarray
    class_names: tuple
    unreadable: dict

    def __len__(self):
        return len(self.paths)

    @property
    def predicted(self):
        """Names of the likeliest classes, `[N]` str; "" where unreadable."""
        names = np.array([*self.class_names, ""], object)
        found = np.nan_to_num(self.probabilities, nan=-1.0).argmax(axis=1)
        found[list(self.unreadable)] = len(self.class_names)
        return names[found]


def predict_files(model, pictures, batch_size=64, temperature=1.0):
    """Predicts image files of any size and format that training reads.

    Args:
        model: trained `NoisyLabelModel` that predicts classes.
        pictures: a path, or a list of paths of files and of Pillow images. They
            are decoded as in training.
        batch_size: int, number of pictures that are in memory at a time.
        temperature: float above 0, by which logits are divided: that of the
            calibration of an exported model. 1 changes nothing.

    Returns:
        `FilePredictions`, which also lists the files that cannot be read.

    Raises:
        ConfigurationError: no pictures, or a model that does not take them.

    Example:
        >>> source = nk.data.load("digits")
        >>> model = nk.CrossEntropy("tiny", source)
        >>> found = nk.predict_files(model, ["a.png", "missing.jpg"])
        >>> sorted(found.unreadable)
        [0, 1]
    """
    if not are_pictures(pictures):
        raise ConfigurationError(
            "Expected a list of paths and of Pillow images, and at least one. "
            f"Received: {type(pictures).__name__}"
        )
    if picture_source.is_picture(pictures):
        pictures = [pictures]
    pictures = list(pictures)
    found = np.full([len(pictures), model.num_classes], np.nan, np.float32)
    unreadable = {}
    for first, probabilities, problems in in_batches(
        model, pictures, batch_size, temperature
    ):
        found[first : first + len(probabilities)] = probabilities
        unreadable.update(problems)
    found[list(unreadable)] = np.nan
    paths = [
        "" if picture_source.is_image(p) else os.fspath(p) for p in pictures
    ]
    return FilePredictions(paths, found, names_of(model), unreadable)


def in_batches(model, pictures, batch_size=64, temperature=1.0):
    """Predicts pictures one batch at a time, in bounded memory.

    Args:
        model: as of `predict_files`.
        pictures: list of paths and of Pillow images.
        batch_size: as of `predict_files`.
        temperature: as of `predict_files`.

    Yields:
        Position of the batch's first picture; class probabilities float32
        `[n, K]`; and a dict from position, among all pictures, to the reason
        for those of the batch that cannot be read, whose rows mean nothing.
    """
    if not model.predicts_classes:
        raise ConfigurationError(
            f"Expected a model that predicts classes. Received: "
            f"{type(model).__name__}, which makes features"
        )
    if batch_size < 1 or not temperature > 0.0:
        raise ConfigurationError(
            "Expected a batch size of at least 1 and a temperature above 0. "
            f"Received: batch_size={batch_size}, temperature={temperature}"
        )
    predict = tf.function(
        lambda images: tf.nn.softmax(
            model.logits(images) / tf.cast(temperature, tf.float32)
        ),
        input_signature=[tf.TensorSpec([None, *model.image_shape], tf.float32)],
    )
    for first in range(0, len(pictures), batch_size):
        source = source_of(model, pictures[first : first + batch_size])
        images = source.fetch(np.arange(source.num_samples))
        found = predict(tf.cast(images, tf.float32)).numpy()
        problems = {first + i: why for i, why in source.unreadable.items()}
        yield first, found, problems


def source_of(model, pictures):
    """Pictures as a source that `predict` takes.

    Args:
        model: `NoisyLabelModel`.
        pictures: as of `predict_files`.

    Returns:
        `PictureSource`.
    """
    if picture_source.is_picture(pictures):
        pictures = [pictures]
    if len(model.image_shape) != 3:
        raise ConfigurationError(
            f"Expected features [N, {model.image_shape[0]}], as the model was "
            f"built for. Received: {len(pictures)} pictures"
        )
    seen = model.pictures
    return picture_source.PictureSource(
        pictures,
        names_of(model),
        model.image_shape,
        margin=0 if seen is None else seen.margin,
        pixel_scale=inputs.white_pixel(model) or 255.0,
    )


def check_read(source):
    """Raises if pictures of a source could not be read.

    Args:
        source: `PictureSource`, after it was read.

    Raises:
        ConfigurationError: some could not be.
    """
    if source.unreadable:
        shown = [f"{i}: {w}" for i, w in sorted(source.unreadable.items())]
        raise ConfigurationError(
            "Expected pictures that can be read; `nk.predict_files` predicts "
            f"the others. Received: {len(shown)} that cannot, at "
            f"{checks.abbreviated(shown)}"
        )


def are_pictures(x):
    """Whether data are paths or Pillow images.

    Args:
        x: any object.
    """
    if isinstance(x, (list, tuple)):
        return bool(x) and all(picture_source.is_picture(p) for p in x)
    return picture_source.is_picture(x)


def names_of(model):
    """The names of a model's classes; numbers if it has seen none.

    Args:
        model: `NoisyLabelModel`.

    Returns:
        tuple of K str.
    """
    names = inputs.class_names(model)
    return names or tuple(str(c) for c in range(model.num_classes))
