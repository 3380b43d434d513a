"""Views of a user's own: Keras layers, and functions of images and a seed."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from noisy_keras.data.augment import views
from noisy_keras.data.augment.views import VIEWS
from noisy_keras.ops import random
from noisy_keras.utils import serialization
from noisy_keras.utils.errors import ConfigurationError

_SEED_STATE = "seed_generator_state"


def view_rule(name: str, value: Any) -> "str | CustomView":
    """Rule of an argument that is a view.

    Args:
        name: str, name of the argument.
        value: one of `VIEWS`, a Keras layer, or a function of images
            `[B, H, W, C]` and a seed, int32 `[2]`, to images of that shape.

    Returns:
        The name, or a `CustomView`.

    Raises:
        ConfigurationError: anything else.

    Example:
        >>> view_rule("view", "weak")
        'weak'
        >>> view_rule("view", keras.layers.RandomFlip("horizontal"))
        CustomView(random_flip)
    """
    if isinstance(value, str) and value in VIEWS:
        return value
    if isinstance(value, CustomView):
        return value
    if callable(value):
        return CustomView(value)
    raise ConfigurationError(
        f"Expected `{name}` to be one of {VIEWS}, a Keras layer, or a function "
        f"of images and a seed. Received: {name}={value!r}"
    )


def make_view(
    name: Any,
    augmentation: views.Augmentation,
    pixel_scale: float,
    size: tuple[int, int] | None = None,
) -> Callable[..., tf.Tensor]:
    """As `views.view`, also of a layer or a function.

    Args:
        name: as of `view_rule`.
        augmentation: `Augmentation` of the source.
        pixel_scale: float, the value of a white pixel: 255 or 1.
        size: pair of ints `(H, W)`, the size of the view in pixels, where
            images come with a margin; None is the size of the images.

    Returns:
        A function of images, a seed and a number of copies, see `views.view`.

    Raises:
        ConfigurationError: an unknown name, or no view at all.
    """
    custom = view_rule("view", name)
    options = (augmentation, pixel_scale, size)
    if not isinstance(custom, CustomView):
        return views.view(custom, *options)
    plain = views.view("none", *options)
    return lambda images, seed, copies=1: custom(
        plain(images, seed), seed, copies
    )


class CustomView:
    """A layer or a function as a view.

    It gets the images as the view `"none"` shows them, in
    `[0, pixel_scale]`, and must not change their shape. Inside `tf.data` it
    runs on the CPU.

    A layer is called with `training=True` on float32 images, or on uint8 ones
    if its dtype is uint8. The states of its `keras.random.SeedGenerator`s,
    nested layers included, follow from the seed of the step, so a run that
    resumes sees the same images. A function is called as `f(images, seed)`; it
    is reproducible if it draws from that seed alone.

    Args:
        given: layer or function.
    """

    def __init__(self, given: Callable[..., Any]) -> None:
        self.given = given

    def __call__(
        self, images: tf.Tensor, seed: tf.Tensor, copies: int = 1
    ) -> tf.Tensor:
        """Transforms images.

        Args:
            images: uint8 or float32 `[B, H, W, C]`.
            seed: int32 `[2]`.
            copies: int, number of views of each image.

        Returns:
            `[copies * B, H, W, C]`, uint8 or float32: all images, then all once
            more.

        Raises:
            ConfigurationError: the shape of the images changes.
        """
        images = tf.concat([images] * copies, axis=0)
        if isinstance(self.given, keras.layers.Layer):
            result = self._layer(images, seed)
        else:
            result = self.given(images, seed)
        result = tf.convert_to_tensor(result)
        if not result.shape.is_compatible_with(images.shape):
            raise ConfigurationError(
                f"Expected {self} to keep the shape of the images, "
                f"{images.shape}. Received: {result.shape}"
            )
        if result.dtype != tf.uint8:
            result = tf.cast(result, tf.float32)
        return tf.ensure_shape(result, images.shape)

    def _layer(self, images, seed):
        layer = self.given
        images = tf.cast(images, layer.compute_dtype)
        if not layer.built:
            with tf.init_scope():  # Variables are made outside of graphs.
                layer(tf.zeros([1, *images.shape[1:]], images.dtype))
        states = [v for v in layer.variables if v.path.endswith(_SEED_STATE)]
        mapping = []
        for number, state in enumerate(states):
            drawn = tf.math.abs(random.fold_in(seed, number))
            mapping.append((state, tf.cast(drawn, state.dtype)))
        with keras.StatelessScope(state_mapping=mapping):
            return layer(images, training=True)

    def serialize(self) -> Any:
        """The view as Keras saves it.

        Raises:
            ConfigurationError: a function that Keras cannot find again.
        """
        return serialization.serialized("view", self.given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CustomView) and serialization.same(
            self.given, other.given
        )

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        named = getattr(self.given, "name", None)
        return f"CustomView({named or serialization.identity(self.given)})"
