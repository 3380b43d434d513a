"""Noise that depends on the image."""

import numpy as np

from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.data.sources import array_source
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError

# Numbers of a batch of images: 128 MiB as float64.
_BATCH_VALUES = 2**24
# Spread of the samples' flip rates.
_DEVIATION = 0.1


class InstanceNoise(LabelNoise):
    """Part-dependent noise: each image has its own rate and wrong classes.

    Sample i flips with probability `q_i`, drawn from a normal distribution of
    mean r and deviation 0.1, cut to `[0, 1]`; its wrong class follows
    `softmax(x_i W[y_i])` over the other classes, where `x_i` is the flattened
    standardised image and W is standard normal. The softmax is nearly one-hot:
    an image has one class that it is mistaken for.

    Near 0 the cut raises the mean: rates 0.05, 0.1 and 0.2 come out as about
    0.10, 0.13 and 0.21. Rate 0 leaves the labels as they are.

    Source: Xia et al., "Part-dependent Label Noise", NeurIPS 2020, which draws
    the same distributions from other random streams.

    Args:
        rate: r in `[0, 1)`.
        seed: of the generator.
        convention: `"part_dependent"`, the only one.
    """

    name = "instance"

    def apply(self, labels, num_classes=None, images=None):
        """Corrupts labels.

        Args:
            labels: int `[N]`.
            num_classes: K; default: the highest label plus one.
            images: `[N, H, W, C]` as `from_arrays` takes, standardised with
                their own mean and deviation; or a `Source`, with its own,
                which is read in batches.

        Returns:
            int32 `[N]`.

        Raises:
            ValueError: labels that are no labels; no images, or another
                number of them.
        """
        if images is None:
            raise ConfigurationError(
                "Expected `images`, [N, H, W, C] or a `Source`, on which this "
                "noise depends. Received: None"
            )
        if not isinstance(images, Source):
            images, _ = checks.images(images)
            # Labels of their own are of no matter to the images.
            none = np.zeros(len(images), np.int32)
            images = array_source.ArraySource(images, none, ("0", "1"))
        checks.same_length(labels=np.atleast_1d(labels), images=images)
        return self._corrupted(labels, num_classes, images)

    def apply_to(self, source, images=None):
        images = source if images is None else images
        return self.apply(source.labels, source.num_classes, images=images)

    def _part_dependent(self, labels, num_classes, random, source):
        noisy = labels.copy()
        if self.rate == 0.0:
            return noisy
        flip = _truncated_normal(self.rate, len(labels), random)
        chance = random.uniform(size=len(labels))
        values = int(np.prod(source.image_shape))
        batch = max(1, _BATCH_VALUES // values)
        for c in range(num_classes):
            # One class at a time: all of W is 4 GB for 50 classes of 224
            # pixels. float64, so that machines which add up in another order
            # agree on the labels.
            weights = random.standard_normal((values, num_classes))
            members = np.flatnonzero(labels == c)
            for start in range(0, len(members), batch):
                rows = members[start : start + batch]
                scores = _pixels(source, rows) @ weights
                noisy[rows] = _mistaken(scores, c, flip[rows], chance[rows])
        return noisy

    _conventions = {"part_dependent": _part_dependent}


def _truncated_normal(mean, count, random):
    """Normal numbers `[N]`, drawn anew while outside `[0, 1]`."""
    values = random.normal(mean, _DEVIATION, count)
    while True:
        outside = np.flatnonzero((values < 0.0) | (values > 1.0))
        if not len(outside):
            return values
        values[outside] = random.normal(mean, _DEVIATION, len(outside))


def _pixels(source, rows):
    """Standardised images, float64 `[n, H W C]`."""
    images = np.asarray(source.fetch(rows), np.float64) / source.pixel_scale
    images = (images - source.pixel_mean) / source.pixel_std
    return images.reshape(len(rows), -1)


def _mistaken(scores, given, flip, chance):
    """Draws labels of samples of one class.

    Args:
        scores: float `[n, K]`, of being mistaken for each class; overwritten.
        given: their class.
        flip: `[n]` in `[0, 1]`, probability of a wrong label.
        chance: `[n]` in `[0, 1)`, uniform.

    Returns:
        int `[n]`.
    """
    scores[:, given] = -np.inf
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    odds *= (flip / odds.sum(axis=1))[:, None]
    odds[:, given] = 1.0 - flip
    total = np.cumsum(odds, axis=1)
    # The last sum is 1 but for rounding, and always above a chance.
    return (total[:, :-1] <= chance[:, None]).sum(axis=1)
