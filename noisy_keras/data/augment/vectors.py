"""Random views of features: noise and dropout of coordinates.

The views have the names of those of pictures, so that every method that needs
no pixels finds the view that it asks for. Mixup is part of the methods that
have it and mixes vectors as it mixes pictures.

Noise is normal, in units of the standard deviation of each column. Dropped
coordinates get the mean of their column, which networks standardise to 0.
"""

import collections.abc
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from noisy_keras.data.augment.custom import CustomView
from noisy_keras.data.augment.custom import view_rule
from noisy_keras.data.augment.views import VIEWS
from noisy_keras.ops import random
from noisy_keras.utils.errors import ConfigurationError

# Views of two pictures of the same thing, which vectors do not have.
_OF_PICTURES = ("simclr",)
# By view: whether it is strong, and the factor of its strength.
_STRENGTHS = {
    "weak": (False, 1.0),
    "slight": (False, 0.5),
    "jitter": (False, 2.0),
    "autoaugment": (True, 1.0),
    "randaugment": (True, 1.0),
    "autoaugment_cutout": (True, 1.5),
    "slight_autoaugment_cutout": (True, 1.5),
    "photograph": (False, 2.0),
    "photograph_randaugment": (True, 1.0),
}


@dataclasses.dataclass(frozen=True)
class FeatureAugmentation:
    """How strongly views change features.

    Attributes:
        noise: float of at least 0, standard deviation of the noise of the view
            `"weak"`, in units of the standard deviation of each column.
            `"slight"` has half of it, `"jitter"` and `"photograph"` twice as
            much.
        dropout: float in `[0, 1)`, share of the coordinates that the same
            views drop.
        strong_noise: float of at least 0, as `noise`, of the strong views:
            `"autoaugment"`, `"randaugment"` and `"photograph_randaugment"`.
            Those with a cutout have half as much again.
        strong_dropout: float in `[0, 1)`, as `dropout`, of the strong views.
    """

    noise: float = 0.1
    dropout: float = 0.0
    strong_noise: float = 0.2
    strong_dropout: float = 0.2

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            most = 1.0 if "dropout" in name else np.inf
            if not 0.0 <= value < most:
                limits = "[0, 1)" if most == 1.0 else "[0, inf)"
                raise ConfigurationError(
                    f"Expected `{name}` in {limits}. Received: {name}={value}"
                )


def make_view(
    name: Any,
    augmentation: FeatureAugmentation,
    mean: collections.abc.Sequence[float],
    std: collections.abc.Sequence[float],
) -> collections.abc.Callable[..., tf.Tensor]:
    """Makes the function of a view of features.

    Args:
        name: one of `VIEWS` but `"simclr"`; or a Keras layer, or a function of
            features `[B, D]` and a seed, see `CustomView`.
        augmentation: `FeatureAugmentation` of the source.
        mean: D floats, mean of each column.
        std: D floats, standard deviation of each column.

    Returns:
        A function `view(features, seed, copies=1)` of float32 `[B, D]`, a seed
        (int32 `[2]`) and the number of views per sample to float32
        `[copies * B, D]`: one view of every sample, then the next.

    Raises:
        ConfigurationError: an unknown name, or a view of pictures alone.
    """
    found = view_rule("view", name)
    if isinstance(found, CustomView):
        return found
    if found in _OF_PICTURES:
        known = ", ".join(v for v in VIEWS if v not in _OF_PICTURES)
        raise ConfigurationError(
            f"Expected a view that features have, one of {known}. Received: "
            f"{found!r}, which needs pictures"
        )
    if found == "none":
        return lambda features, seed, copies=1: _copied(features, copies)
    strong, factor = _STRENGTHS[found]
    noise, dropout = augmentation.noise, augmentation.dropout
    if strong:
        noise, dropout = augmentation.strong_noise, augmentation.strong_dropout
    noise, dropout = noise * factor, min(dropout * factor, 0.9)
    means = np.asarray(mean, np.float32)
    deviations = noise * np.asarray(std, np.float32)

    def view(features, seed, copies=1):
        features = tf.cast(_copied(features, copies), tf.float32)
        shape = tf.shape(features)
        if noise:
            # Views run on the CPU, where these draws depend on the seed alone.
            features += deviations * tf.random.stateless_normal(
                shape, random.fold_in(seed, 0)
            )
        if dropout:
            dropped = random.uniform(shape, random.fold_in(seed, 1)) < dropout
            features = tf.where(dropped, means, features)
        return features

    return view


def _copied(features, copies):
    return features if copies == 1 else tf.concat([features] * copies, axis=0)
