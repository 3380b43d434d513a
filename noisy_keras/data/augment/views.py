"""Views by name, and the augmentation that suits a data set."""

import collections.abc
import dataclasses
import functools

import tensorflow as tf

from noisy_keras.data.augment import contrastive
from noisy_keras.data.augment import operations
from noisy_keras.data.augment import photographs
from noisy_keras.data.augment import policies
from noisy_keras.data.io import buffers
from noisy_keras.ops import random
from noisy_keras.utils.errors import ConfigurationError

# Side in pixels from which NumPy crops faster than a graph.
_LARGE = 64


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Changes that leave the class of a data set's images intact.

    Attributes:
        crop_padding: int, width in pixels of the black border that is added
            before a random crop back to the image's size; 4 is usual for
            32-pixel images. None uses an eighth of the size. It has no effect
            where images come with a margin to crop from.
        horizontal_flip: bool, whether a mirrored image belongs to the same
            class.
        smallest_crop: float in `(0, 1]`, the smallest share of the area that
            still shows an image's class; the lower limit of the crops of the
            view `"simclr"`.
    """

    crop_padding: int | None = None
    horizontal_flip: bool = True
    smallest_crop: float = 0.2

    def __post_init__(self) -> None:
        if not 0.0 < self.smallest_crop <= 1.0:
            raise ConfigurationError(
                "Expected `smallest_crop` in (0, 1]. "
                f"Received: smallest_crop={self.smallest_crop}"
            )


#: Names of views. `"weak"` is a shifted crop and a flip, as in DivideMix' code;
#: the views up to `"jitter"`, except `"none"`, extend it and start from the
#: same weak view if they get the same seed. `"slight"` shifts half as far (2
#: of 32 pixels), as the code of IEG does, and `"slight_autoaugment_cutout"`
#: starts from that. `"simclr"` is a crop of random size, resized to the
#: image's size, with changed colours. `"photograph"` is a crop of at least 35 %
#: of the area, a flip and a mild change of colours, the usual view of
#: photographs, and `"photograph_randaugment"` has RandAugment in place of the
#: last: see `noisy_keras.data.augment.photographs`.
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
    "photograph",
    "photograph_randaugment",
)


def view(
    name: str,
    augmentation: Augmentation,
    pixel_scale: float,
    size: tuple[int, int] | None = None,
) -> collections.abc.Callable[..., tf.Tensor]:
    """Makes the function of a view.

    Args:
        name: str, one of `VIEWS`.
        augmentation: `Augmentation` of the source.
        pixel_scale: float, the value of a white pixel: 255 or 1.
        size: pair of int `(H, W)`, the size of the view in pixels, where
            images come with a margin. None is the size of the images.

    Returns:
        A function `view(images, seed, copies=1)`. It takes `images`
        `[B, H, W, C]` or larger (uint8, or float32 in `[0, pixel_scale]`), a
        `seed` (int32 `[2]`) and the number of views per image, and returns a
        tensor `[copies * B, H, W, C]` of the images' dtype: one view of every
        image, then the next view of every image.

    Raises:
        ValueError: `name` is unknown.
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
        """Applies a policy that expects bytes to images of any dtype."""
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

    def chain(start, policy):
        return lambda images, seed, copies=1: on_bytes(
            policy, start(images, seed, copies), random.fold_in(seed, 2)
        )

    def chain_with_cutout(start):
        """Makes IEG's strong view, on top of another view.

        AutoAugment is followed by a second crop and flip and by cutout.
        Differs from the authors' code
        (https://github.com/google-research/google-research, `ieg/`):

        *   It draws one of the 95 sub-policies of AutoAugment's released code;
            here they are the 25 of the paper, at the paper's strengths.
        *   Its second crop fills the border with grey and its square has 16
            pixels. Here the border is black and the square is half the
            image's side plus one pixel, as Pillow draws it: 17 of 32 pixels.
        *   For large images it uses AutoAugment's policies for ImageNet and
            squares of constant size. Here all sizes are treated alike.
        """
        augmented = chain(start, policies.auto_augment)

        def strong(images, seed, copies=1):
            images = augmented(images, seed, copies)
            crop_seed = random.fold_in(seed, 4)
            images = _weak(images, crop_seed, 1, augmentation, None)
            return on_bytes(policies.cutout, images, random.fold_in(seed, 5))

        return strong

    def whole(policy):
        """A view whose policy crops and flips, too."""
        policy = functools.partial(
            policy, horizontal_flip=augmentation.horizontal_flip, size=size
        )
        return lambda images, seed, copies=1: on_bytes(
            policy, tf.concat([images] * copies, axis=0), seed
        )

    return {
        "none": none,
        "weak": weak,
        "slight": slight,
        "autoaugment": chain(weak, policies.auto_augment),
        "autoaugment_cutout": chain_with_cutout(weak),
        "slight_autoaugment_cutout": chain_with_cutout(slight),
        "randaugment": chain(weak, policies.rand_augment),
        "jitter": jitter,
        "simclr": whole(
            functools.partial(
                contrastive.simclr, smallest_crop=augmentation.smallest_crop
            )
        ),
        "photograph": whole(photographs.photograph),
        "photograph_randaugment": whole(photographs.photograph_randaugment),
    }[name]


def _middle(images, size):
    """Crops the centre of images that come with a margin."""
    if size is None:
        return images
    _, height, width, _ = images.shape
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return images[:, top : top + size[0], left : left + size[1]]


def _weak(images, seed, copies, augmentation, size, part=1):
    """Crops and flips at random, from a black border or from the margin.

    Args:
        images: tensor `[B, H, W, C]`.
        seed: int32 tensor `[2]`.
        copies: int, number of views per image.
        augmentation: an `Augmentation`.
        size: pair of int `(h, w)`, the size of the result, or None.
        part: int, the border's width is divided by it.

    Returns:
        Tensor `[copies * B, h, w, C]` of the images' dtype.
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
    """Crops all images at once, by index."""
    rows = corner[:, 0, None] + tf.range(size[0])[None]
    columns = corner[:, 1, None] + tf.range(size[1])[None]
    columns = tf.where(flip[:, None], columns[:, ::-1], columns)
    cropped = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(cropped, columns, axis=2, batch_dims=1)


def _crop_large(images, corner, flip, size):
    """Crops in NumPy: a quarter of a graph's time at 224 pixels."""
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
        # The first copy of all images comes first, then the second.
        image = images[row % len(images)]
        seen = image[top : top + height, left : left + width]
        if flip[row]:
            # Per channel: copying whole pixels in reverse order is slow.
            for channel in range(images.shape[3]):
                cropped[row, ..., channel] = seen[:, ::-1, channel]
        else:
            cropped[row] = seen
    return cropped
