"""Views by name, and what suits a set of pictures."""

import dataclasses
import functools

import tensorflow as tf

from noisy_keras.data.augment import contrastive
from noisy_keras.data.augment import operations
from noisy_keras.data.augment import policies
from noisy_keras.data.io import buffers
from noisy_keras.ops import random
from noisy_keras.utils.errors import ConfigurationError

# Side from which NumPy crops faster than a graph.
_LARGE = 64


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What may be done to a set of pictures without changing their class.

    Attributes:
        crop_padding: pixels of black border before a random crop back to the
            size; 4 for 32-pixel images. None takes an eighth of the size.
            Without effect where images come with a margin to crop from.
        horizontal_flip: whether a mirrored picture is of the same class.
        smallest_crop: share of the area, in (0, 1], from which a picture is
            still known; the least that the view `"simclr"` leaves of one.
    """

    crop_padding: int | None = None
    horizontal_flip: bool = True
    smallest_crop: float = 0.2

    def __post_init__(self):
        if not 0.0 < self.smallest_crop <= 1.0:
            raise ConfigurationError(
                "Expected `smallest_crop` in (0, 1]. "
                f"Received: smallest_crop={self.smallest_crop}"
            )


#: Names of views: `"weak"` is a shifted crop and a flip; the others add to it.
#: With one seed, all of them start from the same weak view, but for
#: `"simclr"`: a crop of any size brought to the picture's, and its colours.
#: `"slight"` shifts half as far, as the released code of IEG does (2 of 32
#: pixels), and `"slight_autoaugment_cutout"` starts from that.
VIEWS = (
    "none",
    "weak",
    "slight",
    "autoaugment",
    "autoaugment_cutout",
    "slight_autoaugment_cutout",
    "randaugment",
    "jitter",
    "simclr",
)


def view(
    name: str,
    augmentation: Augmentation,
    pixel_scale: float,
    size: tuple[int, int] | None = None,
):
    """A view by name.

    Args:
        name: one of `VIEWS`.
        augmentation: of the source.
        pixel_scale: of the source, 255 or 1.
        size: `(H, W)` of what is seen, where images come with a margin.

    Returns:
        A function of images `[B, H, W, C]` or larger (uint8, or float32 in
        `[0, pixel_scale]`), a seed (int32 `[2]`) and a number of copies, 1 if
        left out, to images `[copies * B, H, W, C]` of that type: all images,
        then all once more.

    Raises:
        ValueError: an unknown name.
    """
    if name not in VIEWS:
        raise ConfigurationError(
            f"Expected a view, one of {VIEWS}. Received: {name!r}"
        )

    def none(images, seed, copies=1):
        del seed
        return tf.concat([_middle(images, size)] * copies, axis=0)

    def weak(images, seed, copies=1):
        return _weak(images, seed, copies, augmentation, size)

    def slight(images, seed, copies=1):
        return _weak(images, seed, copies, augmentation, size, part=2)

    def on_bytes(policy, images, seed):
        """Policies work on bytes; float pictures go there and back."""
        if images.dtype == tf.uint8:
            return policy(images, seed)
        scale = 255.0 / pixel_scale
        changed = policy(operations.to_bytes(images * scale), seed)
        return tf.cast(changed, images.dtype) / scale

    def jitter(images, seed, copies=1):
        images = tf.concat([images] * copies, axis=0)
        images = on_bytes(
            policies.color_jitter, images, random.fold_in(seed, 2)
        )
        images = weak(images, seed)
        return on_bytes(policies.random_affine, images, random.fold_in(seed, 3))

    def after(first, policy):
        return lambda images, seed, copies=1: on_bytes(
            policy, first(images, seed, copies), random.fold_in(seed, 2)
        )

    def cutout_after(first):
        """IEG's strong view: what follows the policy covers its borders.

        Differs from the released code, which draws one of 95 sub-policies of
        AutoAugment's release: here they are the 25 of its paper, at its
        strengths. There borders of the second crop are grey and the square is
        of 16 pixels; here they are black and it is half as wide as the picture
        and one more: 17 of 32 pixels, as Pillow draws it. For large pictures
        the released code has AutoAugment's policies for ImageNet and squares
        that stay small; here they are these.
        """
        changed = after(first, policies.auto_augment)

        def strong(images, seed, copies=1):
            images = changed(images, seed, copies)
            again = random.fold_in(seed, 4)
            images = _weak(images, again, 1, augmentation, None)
            return on_bytes(policies.cutout, images, random.fold_in(seed, 5))

        return strong

    def simclr(images, seed, copies=1):
        policy = functools.partial(
            contrastive.simclr,
            smallest_crop=augmentation.smallest_crop,
            horizontal_flip=augmentation.horizontal_flip,
            size=size,
        )
        return on_bytes(policy, tf.concat([images] * copies, axis=0), seed)

    return {
        "none": none,
        "weak": weak,
        "slight": slight,
        "autoaugment": after(weak, policies.auto_augment),
        "autoaugment_cutout": cutout_after(weak),
        "slight_autoaugment_cutout": cutout_after(slight),
        "randaugment": after(weak, policies.rand_augment),
        "jitter": jitter,
        "simclr": simclr,
    }[name]


def _middle(images, size):
    if size is None:
        return images
    _, height, width, _ = images.shape
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return images[:, top : top + size[0], left : left + size[1]]


def _weak(images, seed, copies, augmentation, size, part=1):
    """A random crop, after padding with black or from a margin; a flip.

    The padding is one of `part` parts of what suits the pictures.
    """
    count, height, width, channels = images.shape
    draws = random.uniform([copies * tf.shape(images)[0], 3], seed)
    flip = draws[:, 2] < (0.5 if augmentation.horizontal_flip else 0.0)
    if size is None or (height, width) == tuple(size):
        padding = augmentation.crop_padding
        rows = (height // 8 if padding is None else padding) // part
        columns = (width // 8 if padding is None else padding) // part
        size = (height, width)
        images = tf.pad(
            images, [[0, 0], [rows, rows], [columns, columns], [0, 0]]
        )
    spare = [images.shape[1] - size[0], images.shape[2] - size[1]]
    corner = tf.floor(draws[:, :2] * (tf.cast(spare, tf.float32) + 1.0))
    corner = tf.cast(corner, tf.int32)
    if size[0] < _LARGE:
        images = tf.concat([images] * copies, axis=0)
        cropped = _crop_small(images, corner, flip, size)
    else:
        cropped = _crop_large(images, corner, flip, size)
    shape = [count and copies * count, *size, channels]
    return tf.ensure_shape(cropped, shape)


def _crop_small(images, corner, flip, size):
    """All images at once, by index."""
    rows = corner[:, 0, None] + tf.range(size[0])[None]
    columns = corner[:, 1, None] + tf.range(size[1])[None]
    columns = tf.where(flip[:, None], columns[:, ::-1], columns)
    cropped = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(cropped, columns, axis=2, batch_dims=1)


def _crop_large(images, corner, flip, size):
    """Image by image, in NumPy: a quarter of a graph's time at 224 pixels."""
    return tf.numpy_function(
        lambda *arrays: _cropped(*arrays, size),
        [images, corner, flip],
        images.dtype,
    )


def _cropped(images, corner, flip, size):
    height, width = size
    shape = (len(corner), height, width, images.shape[3])
    cropped = buffers.empty(shape, images.dtype)
    for row, (top, left) in enumerate(corner.tolist()):
        # Views follow each other: all images, then all once more.
        image = images[row % len(images)]
        seen = image[top : top + height, left : left + width]
        if flip[row]:
            # Channel by channel: backwards copies of whole pixels are slow.
            for channel in range(images.shape[3]):
                cropped[row, ..., channel] = seen[:, ::-1, channel]
        else:
            cropped[row] = seen
    return cropped
