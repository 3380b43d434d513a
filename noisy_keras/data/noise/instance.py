"""Instance-dependent noise."""

from typing import Any

import numpy as np

from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.data.sources import array_source
from noisy_keras.data.sources.source import Source
from noisy_keras.utils import checks
from noisy_keras.utils.errors import ConfigurationError
from noisy_keras.utils.types import ArrayLike

# Number of pixel values in a batch of images, 128 MiB as float64.
_BATCH_VALUES = 2**24
# Standard deviation of the samples' flip rates: the default of the authors'
# code.
_DEVIATION = 0.1


class InstanceNoise(LabelNoise):
    """Part-dependent noise: flip rate and wrong class depend on the image.

    The label of sample i flips with probability `q_i`, drawn from a normal
    distribution of mean r and standard deviation 0.1, truncated to `[0, 1]`.
    The wrong class follows `softmax(x_i W[y_i])` over the other classes, where
    `x_i` is the flattened standardised image and W is standard normal. The
    softmax is nearly one-hot, so each image has one class with which it is
    confused.

    Near 0, the truncation raises the mean: the nominal noise rates 0.05, 0.1
    and 0.2 give actual noise rates of about 0.10, 0.13 and 0.21. The rate 0
    leaves the labels unchanged.

    Reference: Xia et al., "Part-dependent Label Noise", NeurIPS 2020, as in
    https://github.com/xiaoboxia/Part-dependent-label-noise, `tools.py`.
    Differs from the authors' code: W is drawn class by class and in float64,
    and the rate 0 is exact.

    Args:
        rate: float in `[0, 1)`, the nominal noise rate r.
        seed: int, the seed of the generator.
        convention: str, only `"part_dependent"`.
    """

    name = "instance"

    def apply(
        self,
        labels: ArrayLike,
        num_classes: int | None = None,
        images: ArrayLike | Source | None = None,
    ) -> np.ndarray:
        """Corrupts labels.

        Args:
            labels: int array `[N]`, the true labels.
            num_classes: int, number of classes K. Defaults to the highest
                label plus one.
            images: array `[N, H, W, C]` as in `from_arrays`, which is
                standardised with its own mean and standard deviation; or a
                `Source`, which is standardised with its `pixel_mean` and
                `pixel_std` and read in batches.

        Returns:
            int32 array `[N]`, the noisy labels.

        Raises:
            ValueError: `labels` are not integers in `[0, K)`, or there are not
                N images.
        """
        if images is None:
            raise ConfigurationError(
                "Expected `images`, [N, H, W, C] or a `Source`, on which this "
                "noise depends. Received: None"
            )
        if not isinstance(images, Source):
            images, _ = checks.images(images)
            # The source needs labels, but only its images are used.
            unused = np.zeros(len(images), np.int32)
            images = array_source.ArraySource(images, unused, ("0", "1"))
        checks.same_length(labels=np.atleast_1d(labels), images=images)
        return self._corrupted(labels, num_classes, images)

    def apply_to(
        self,
        source: Source,
        images: ArrayLike | Source | None = None,
        **given: Any,
    ) -> np.ndarray:
        images = source if images is None else images
        return super().apply_to(source, images=images, **given)

    def _part_dependent(self, labels, num_classes, random, source):
        noisy = labels.copy()
        if self.rate == 0.0:
            return noisy
        flip = _truncated_normal(self.rate, len(labels), random)
        chance = random.uniform(size=len(labels))
        values = int(np.prod(source.image_shape))
        batch = max(1, _BATCH_VALUES // values)
        for c in range(num_classes):
            # W is drawn one class at a time: all of it takes 4 GB for 50
            # classes of 224 pixels. float64 makes the labels independent of
            # the order in which a machine adds up products.
            weights = random.standard_normal((values, num_classes))
            members = np.flatnonzero(labels == c)
            for start in range(0, len(members), batch):
                rows = members[start : start + batch]
                scores = _pixels(source, rows) @ weights
                noisy[rows] = _flipped(scores, c, flip[rows], chance[rows])
        return noisy

    _conventions = {"part_dependent": _part_dependent}


def _truncated_normal(mean, count, random):
    """Draws `[N]` normal numbers, again while they are outside `[0, 1]`."""
    values = random.normal(mean, _DEVIATION, count)
    while True:
        outside = np.flatnonzero((values < 0.0) | (values > 1.0))
        if not len(outside):
            return values
        values[outside] = random.normal(mean, _DEVIATION, len(outside))


def _pixels(source, rows):
    """Reads and standardises images, float64 `[n, H W C]`."""
    images = np.asarray(source.fetch(rows), np.float64) / source.pixel_scale
    images = (images - source.pixel_mean) / source.pixel_std
    return images.reshape(len(rows), -1)


def _flipped(scores, label, flip, chance):
    """Draws the noisy labels of samples of one class.

    Args:
        scores: float array `[n, K]`, logits of the wrong classes; overwritten.
        label: int, the true label of the samples.
        flip: float array `[n]` in `[0, 1]`, probability of a wrong label.
        chance: float array `[n]` in `[0, 1)`, uniform random numbers.

    Returns:
        int array `[n]`.
    """
    scores[:, label] = -np.inf
    probability = np.exp(scores - scores.max(axis=1, keepdims=True))
    probability *= (flip / probability.sum(axis=1))[:, None]
    probability[:, label] = 1.0 - flip
    total = np.cumsum(probability, axis=1)
    # The last sum is left out: it is 1 up to rounding, above every chance.
    return (total[:, :-1] <= chance[:, None]).sum(axis=1)
