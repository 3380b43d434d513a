"""Features of pictures by any network, to be computed once and kept.

Usage: `nk.features.compute(source, encoder)`.
"""

import os

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data import augment
from noisy_keras.data import batches
from noisy_keras.features import cache as feature_cache
from noisy_keras.features import encoder_files
from noisy_keras.utils.errors import ConfigurationError

#: Views beside those of `noisy_keras.data.VIEWS`: every picture mirrored.
FLIP = "flip"

_BATCH_SIZE = 500


def compute(
    source,
    encoder,
    view="none",
    *,
    seed=0,
    preprocessing=None,
    output=None,
    batch_size=_BATCH_SIZE,
    cache=None,
):
    """Features of all samples of a source, in index order.

    Args:
        source: a `Source`.
        encoder: a network of `noisy_keras.networks`, of whose outputs the
            embedding is taken; a method, whose first network is; any other
            `keras.Model` from images to maps `[B, h, w, D]`, of which the mean
            is taken, or to `[B, D]`; or a path: of a `.keras` file, of a
            SavedModel's folder, or of an `.npy` file with the features
            themselves.
        view: what the encoder sees: `"none"`, the pictures as they are;
            `"flip"`, all of them mirrored; or one of `noisy_keras.data.VIEWS`
            at random.
        seed: of a random view.
        preprocessing: a layer (or function of a float32 batch) put before the
            encoder, such as `keras.layers.Rescaling(1 / 127.5, -1)` or
            `keras.layers.Resizing(224, 224)`; None passes pixel values in the
            range of the source's images.
        output: name of the encoder's output to take, if it has several.
        batch_size: B, of the pass.
        cache: a folder, made if need be, where features are kept by the hash
            of the encoder's weights, the pictures, the view and the
            preprocessing; None keeps nothing. A function as `preprocessing`
            cannot be told from another: nothing is kept then.

    Returns:
        float32 `[N, D]`.

    Raises:
        ValueError: an encoder or file that does not fit, another number of
            rows than there are samples, or features that are not finite.

    Example:
        >>> source = nk.data.load("digits", split="test")
        >>> encoder = nk.networks.build("tiny", source)
        >>> compute(source, encoder).shape
        (270, 64)
        >>> second_view = compute(source, encoder, view="weak", seed=1)
    """
    if is_path(encoder) and os.fspath(encoder).endswith(".npy"):
        return load(encoder, source.num_samples)
    extractor = Extractor(encoder, preprocessing, output)
    key = None
    if cache is not None:
        key = extractor.key(source, view, seed)
    if key is None:
        return extractor(source, view, seed, batch_size)
    kept = feature_cache.read(cache, key, source.num_samples)
    if kept is None:
        kept = extractor(source, view, seed, batch_size)
        feature_cache.write(cache, key, kept)
    return kept


def load(path, num_samples):
    """Features from an `.npy` file, checked.

    Args:
        path: of the file, which holds numbers `[N, D]`; pickles are refused.
        num_samples: N, of the source that they belong to.

    Returns:
        float32 `[N, D]`.

    Raises:
        OSError: there is no such file.
        ValueError: another shape or length, NaN or infinity, or no array of
            numbers.
    """
    path = os.fspath(path)
    try:
        features = np.load(path, allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise ConfigurationError(
            f"Expected an array of numbers in {path}, as `numpy.save` writes "
            f"it. Received: a file that cannot be read ({error})"
        ) from error
    if not isinstance(features, np.ndarray):  # An archive of several.
        raise ConfigurationError(
            f"Expected a single array in {path}. Received: "
            f"{type(features).__name__}; save it with `numpy.save`"
        )
    return checked(features, num_samples, path)


def checked(features, num_samples, what="features"):
    """Features as float32, if they are such and belong to a source.

    Args:
        features: array.
        num_samples: N.
        what: to be named in errors.

    Returns:
        float32 `[N, D]`.

    Raises:
        ValueError: another shape or length, or NaN or infinity.
    """
    features = np.asarray(features)
    if features.ndim != 2 or features.dtype.kind not in "fiu":
        raise ConfigurationError(
            f"Expected numbers of shape [N, D] as {what}. Received: "
            f"{features.dtype} of shape {features.shape}"
        )
    if len(features) != num_samples:
        raise ConfigurationError(
            f"Expected {num_samples} rows of {what}, one for each sample in "
            f"index order. Received: {len(features)}; features belong to one "
            "set of pictures, compute them for this one"
        )
    features = np.asarray(features, np.float32)
    broken = int(np.sum(~np.isfinite(features).all(axis=1)))
    if broken:
        raise ConfigurationError(
            f"Expected finite numbers as {what}. Received: NaN or infinity in "
            f"{broken} of {num_samples} rows"
        )
    return features


def is_path(encoder):
    """Whether an encoder is named by its path."""
    return isinstance(encoder, (str, os.PathLike))


class Extractor:
    """A compiled pass of a network over sources, for many calls.

    Args:
        encoder: as of `compute`, but for files of features.
        preprocessing: as of `compute`.
        output: as of `compute`.

    Raises:
        ValueError: no such encoder or output.
    """

    def __init__(self, encoder, preprocessing=None, output=None):
        self.path = os.fspath(encoder) if is_path(encoder) else None
        if self.path is not None:
            encoder = encoder_files.load(self.path)
        elif isinstance(encoder, NoisyLabelModel):
            encoder = encoder.networks[0]
        self.encoder = encoder
        self.preprocessing = preprocessing
        self.output = output
        # Small sources have smaller batches.
        self._forward = tf.function(self._features, reduce_retracing=True)

    def __call__(self, source, view="none", seed=0, batch_size=_BATCH_SIZE):
        """Features of a source: see `compute`."""
        self._check_images(source)
        result = None
        batch_size = min(batch_size, source.num_samples)
        for index, images in _views(source, view, seed, batch_size):
            rows = self._forward(images).numpy()
            if result is None:
                shape = (source.num_samples, rows.shape[1])
                result = np.empty(shape, np.float32)
            # The last batch is padded by samples that were seen before.
            result[index.numpy()] = rows
        return checked(result, source.num_samples, "the network's features")

    def key(self, source, view, seed):
        """What the features of a source depend on, or None if unknown.

        Args:
            source: `Source`.
            view: as of `compute`.
            seed: of the view.

        Returns:
            str. None for an encoder that does not say how it was made.
        """
        if view in ("none", FLIP):
            seed = 0
        return feature_cache.key(
            self.path or self.encoder,
            self.preprocessing,
            source,
            [view, seed, self.output],
        )

    def _features(self, images):
        images = tf.cast(images, tf.float32)
        if self.preprocessing is not None:
            images = self.preprocessing(images)
        if isinstance(self.encoder, keras.Model):
            outputs = self.encoder(images, training=False)
        else:
            outputs = self.encoder(images)
        return _pooled(self._chosen(outputs))

    def _chosen(self, outputs):
        if isinstance(outputs, (list, tuple)):
            outputs = dict(enumerate(outputs))
        elif not isinstance(outputs, dict):
            outputs = {None: outputs}
        name = self.output
        if name is None and "embedding" in outputs:
            name = "embedding"
        elif name is None and len(outputs) == 1:
            [name] = outputs
        if name not in outputs:
            raise ConfigurationError(
                "Expected the name of the output to take, `output`, one of "
                f"{list(outputs)}. Received: output={name!r}"
            )
        return outputs[name]

    def _check_images(self, source):
        shape = getattr(self.encoder, "input_shape", None)
        if self.preprocessing is not None or not isinstance(shape, tuple):
            return
        pairs = zip(shape[1:], source.image_shape, strict=False)
        if len(shape) != 4 or any(a not in (None, b) for a, b in pairs):
            raise ConfigurationError(
                f"Expected images {shape[1:]}, as the network was built for. "
                f"Received: {source.image_shape}, from {source!r}; load the "
                "source with another `image_size`, or pass `preprocessing="
                "keras.layers.Resizing(height, width)`"
            )


def _pooled(features):
    """`[B, D]` in float32: the mean over places, if there are some."""
    rank = features.shape.rank
    if rank not in (2, 4):
        raise ConfigurationError(
            "Expected an encoder that gives maps [B, h, w, D] or vectors "
            f"[B, D]. Received: shape {features.shape}"
        )
    features = tf.cast(features, tf.float32)
    return tf.reduce_mean(features, axis=(1, 2)) if rank == 4 else features


def _views(source, view, seed, batch_size):
    """All samples in index order: a dataset of index and images."""
    if view == FLIP:

        def show(index, seed):
            del seed
            return source.fetch(index)[:, :, ::-1]

    elif view in augment.VIEWS:
        look = source.view(view)

        def show(index, seed):
            return look(source.fetch_with_margin(index), seed)

    else:
        raise ConfigurationError(
            f"Expected a view, one of {(FLIP, *augment.VIEWS)}. "
            f"Received: {view!r}"
        )
    steps = batches.steps_for(source.num_samples, batch_size)
    index = np.arange(steps * batch_size) % source.num_samples
    index = index.reshape(steps, batch_size).astype(np.int32)
    seeds = batches.step_seeds(steps, seed, 0, 0)
    with tf.device("CPU"):
        rows = tf.data.Dataset.from_tensor_slices((index, seeds))
    return batches.mapped(rows, lambda index, s: (index, show(index, s)))
