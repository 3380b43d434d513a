"""Features of images by any network, computed once and cached.

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

#: View in addition to those of `noisy_keras.data.VIEWS`: all images mirrored.
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
    """Computes the features of all samples of a source, in index order.

    Args:
        source: `Source` of N samples.
        encoder: a network of `noisy_keras.networks`, whose embedding is used; a
            method, whose first network is used; any other `keras.Model` from
            images to feature maps `[B, h, w, D]`, which are averaged, or to
            vectors `[B, D]`; or a path to a `.keras` file, to the folder of a
            SavedModel or to an `.npy` file of features.
        view: str, view of the images that the encoder is applied to. `"none"`:
            as they are; `"flip"`: mirrored; or a random view, one of
            `noisy_keras.data.VIEWS`.
        seed: int, seed of a random view.
        preprocessing: layer or callable of a float32 batch, applied before the
            encoder, such as `keras.layers.Rescaling(1 / 127.5, -1)` or
            `keras.layers.Resizing(224, 224)`. None passes the pixel values of
            the source unchanged.
        output: str, name of the encoder's output to use if it has several.
        batch_size: int, batch size B.
        cache: str or path-like, folder of a cache, created if necessary.
            Features are stored under a hash of the encoder's weights, the
            images, the view and the preprocessing. None does not cache; neither
            does a callable as `preprocessing`, whose behaviour cannot be
            hashed.

    Returns:
        Float32 array `[N, D]`.

    Raises:
        ValueError: If the encoder or file does not fit the source, an `.npy`
            file has another number of rows, or features are not finite.

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
    """Reads features from an `.npy` file and checks them.

    Args:
        path: str or path-like, file with an array of numbers `[N, D]`. Pickled
            objects are refused.
        num_samples: int, number of samples N of the source.

    Returns:
        Float32 array `[N, D]`.

    Raises:
        OSError: If the file does not exist.
        ValueError: If it is not an array of numbers, has another shape or
            contains NaN or infinity.
    """
    path = os.fspath(path)
    try:
        features = np.load(path, allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise ConfigurationError(
            f"Expected an array of numbers in {path}, as `numpy.save` writes "
            f"it. Received: a file that cannot be read ({error})"
        ) from error
    if not isinstance(features, np.ndarray):  # An .npz archive.
        raise ConfigurationError(
            f"Expected a single array in {path}. Received: "
            f"{type(features).__name__}; save it with `numpy.save`"
        )
    return checked(features, num_samples, path)


def checked(features, num_samples, what="features"):
    """Checks features and converts them to float32.

    Args:
        features: array-like `[N, D]`.
        num_samples: int, number of samples N of the source.
        what: str, name of the features in the message.

    Returns:
        Float32 array `[N, D]`.

    Raises:
        ValueError: If the shape differs or values are not finite numbers.
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
            "data set, compute them for this one"
        )
    features = np.asarray(features, np.float32)
    invalid = int(np.sum(~np.isfinite(features).all(axis=1)))
    if invalid:
        raise ConfigurationError(
            f"Expected finite numbers as {what}. Received: NaN or infinity in "
            f"{invalid} of {num_samples} rows"
        )
    return features


def is_path(encoder):
    """Whether an encoder is given by its path.

    Args:
        encoder: as for `compute`.

    Returns:
        Bool.
    """
    return isinstance(encoder, (str, os.PathLike))


class Extractor:
    """Compiled feature extraction, for repeated use on several sources.

    Args:
        encoder: as for `compute`, except files of features.
        preprocessing: as for `compute`.
        output: as for `compute`.

    Raises:
        ValueError: If the path is not that of an encoder.
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
        # Sources smaller than a batch have batches of another size.
        self._forward = tf.function(self._features, reduce_retracing=True)

    def __call__(self, source, view="none", seed=0, batch_size=_BATCH_SIZE):
        """Computes the features of a source: see `compute`."""
        self._check_images(source)
        result = None
        batch_size = min(batch_size, source.num_samples)
        for index, images in _views(source, view, seed, batch_size):
            rows = self._forward(images).numpy()
            if result is None:
                shape = (source.num_samples, rows.shape[1])
                result = np.empty(shape, np.float32)
            # The last batch is padded with samples of the first ones.
            result[index.numpy()] = rows
        return checked(result, source.num_samples, "the network's features")

    def key(self, source, view, seed):
        """Hash of everything that the features of a source depend on.

        Args:
            source: `Source`.
            view: str, as for `compute`.
            seed: int, seed of the view.

        Returns:
            Str, or None for an encoder that cannot be hashed.
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
                "Expected the encoder's output to use, `output`, one of "
                f"{list(outputs)}. Received: output={name!r}"
            )
        return outputs[name]

    def _check_images(self, source):
        shape = getattr(self.encoder, "input_shape", None)
        if self.preprocessing is not None or not isinstance(shape, tuple):
            return
        pairs = zip(shape[1:], source.image_shape, strict=False)
        rank = 1 + len(source.image_shape)
        if len(shape) != rank or any(a not in (None, b) for a, b in pairs):
            raise ConfigurationError(
                f"Expected images {shape[1:]}, as the network was built for. "
                f"Received: {source.image_shape}, from {source!r}; load the "
                "source with another `image_size`, or pass `preprocessing="
                "keras.layers.Resizing(height, width)`"
            )


def _pooled(features):
    """Converts features to float32 `[B, D]`, averaging over positions."""
    rank = features.shape.rank
    if rank not in (2, 4):
        raise ConfigurationError(
            "Expected an encoder that returns feature maps [B, h, w, D] or "
            f"vectors [B, D]. Received: shape {features.shape}"
        )
    features = tf.cast(features, tf.float32)
    return tf.reduce_mean(features, axis=(1, 2)) if rank == 4 else features


def _views(source, view, seed, batch_size):
    """Dataset of (index, images) over all samples, in index order."""
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
