import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from PIL import ImageEnhance
from PIL import ImageOps

import noisy_keras as nk
from noisy_keras.data import augment
from noisy_keras.data.augment import contrastive
from noisy_keras.data.augment import operations as op
from noisy_keras.data.augment import photographs
from noisy_keras.data.augment import policies
from noisy_keras.data.augment import views
from noisy_keras.ops import random
from tests import toy

SEED = tf.constant([1, 2])
RANDOM = np.random.RandomState(0)
# Smooth images with some structure, on which interpolation is comparable.
COARSE = RANDOM.randint(0, 256, (8, 6, 6, 3))
IMAGES = tf.image.resize(COARSE, (32, 32), "bicubic").numpy()
IMAGES = IMAGES.clip(0, 255).astype(np.uint8)


def by_pillow(change):
    return np.stack([np.asarray(change(Image.fromarray(i))) for i in IMAGES])


def ours(kind, magnitude):
    count = len(IMAGES)
    return op.apply(
        tf.constant(IMAGES),
        tf.fill([count], kind),
        tf.fill([count], float(magnitude)),
    ).numpy()


@pytest.mark.parametrize(
    ("kind", "magnitude", "change"),
    [
        (op.BRIGHTNESS, 1.5, lambda i: ImageEnhance.Brightness(i).enhance(1.5)),
        (op.COLOR, 0.3, lambda i: ImageEnhance.Color(i).enhance(0.3)),
        (op.CONTRAST, 1.7, lambda i: ImageEnhance.Contrast(i).enhance(1.7)),
        (op.SHARPNESS, 1.8, lambda i: ImageEnhance.Sharpness(i).enhance(1.8)),
        (op.SHARPNESS, 0.1, lambda i: ImageEnhance.Sharpness(i).enhance(0.1)),
        (op.SOLARIZE, 128, lambda i: ImageOps.solarize(i, 128)),
        (op.POSTERIZE, 3, lambda i: ImageOps.posterize(i, 3)),
        (op.INVERT, 0, ImageOps.invert),
        (op.AUTO_CONTRAST, 0, ImageOps.autocontrast),
        (op.EQUALIZE, 0, ImageOps.equalize),
    ],
)
def test_operations_are_pillows(kind, magnitude, change):
    difference = np.abs(
        ours(kind, magnitude).astype(int) - by_pillow(change).astype(int)
    )
    # Rounding differs by one in some pixels.
    assert difference.mean() < 1.0 and np.quantile(difference, 0.99) <= 3


@pytest.mark.parametrize(
    ("kind", "magnitude", "change"),
    [
        (op.SHEAR_X, 0.2, (1, 0.2, 0, 0, 1, 0)),
        (op.SHEAR_Y, -0.2, (1, 0, 0, -0.2, 1, 0)),
        (op.TRANSLATE_X, 5, (1, 0, 5, 0, 1, 0)),
        (op.TRANSLATE_Y, -7, (1, 0, 0, 0, 1, -7)),
    ],
)
def test_geometry_is_pillows(kind, magnitude, change):
    expected = by_pillow(
        lambda i: i.transform(
            i.size,
            Image.Transform.AFFINE,
            change,
            Image.Resampling.BILINEAR,
            fillcolor=(128,) * 3,
        )
    )
    difference = np.abs(ours(kind, magnitude).astype(int) - expected)
    # Only one of the two blends the rows along the border with the fill
    # value.
    assert np.mean(difference > 3) < 0.08


def test_rotation_is_pillows():
    expected = by_pillow(
        lambda i: i.rotate(20, Image.Resampling.BILINEAR, fillcolor=(128,) * 3)
    ).astype(int)
    turns = [np.abs(ours(op.ROTATE, a) - expected).mean() for a in (20, -20)]
    assert min(turns) < 3.0


def test_every_image_gets_its_own_operation():
    kinds = tf.constant([op.INVERT, op.IDENTITY, op.POSTERIZE, op.EQUALIZE] * 2)
    result = op.apply(tf.constant(IMAGES), kinds, tf.fill([8], 2.0)).numpy()
    for i, kind in enumerate(kinds.numpy()):
        alone = ours(kind, 2.0)[i] if kind else IMAGES[i]
        np.testing.assert_array_equal(result[i], alone)


def test_auto_augment_has_the_published_table():
    table = policies._auto_augment_table(32).numpy()
    assert table.shape == (25, 2, 4)
    # Sub-policy 2: rotate by level 2 of 30 degrees, shift by 150/331.
    np.testing.assert_allclose(table[1, 0], [op.ROTATE, 0.7, 20 / 3, 0])
    np.testing.assert_allclose(
        table[1, 1], [op.TRANSLATE_X, 0.3, 0, 150 / 331 * 32], rtol=1e-6
    )
    # Sub-policy 6: posterise at level 7 of 8 to 4 bits.
    np.testing.assert_allclose(table[5, 1], [op.POSTERIZE, 0.3, 5, 0])
    # Sub-policy 15: solarise at level 2 of 256 to 0.
    np.testing.assert_allclose(
        table[14, 0], [op.SOLARIZE, 0.5, 256 - 256 * 2 / 9, 0], rtol=1e-6
    )


AUGMENTATION = augment.Augmentation(crop_padding=4)


def seen(name, images=IMAGES, seed=SEED, scale=255.0):
    return augment.view(name, AUGMENTATION, scale)(tf.constant(images), seed)


@pytest.mark.parametrize("name", augment.VIEWS)
def test_views_are_functions_of_their_seed(name):
    first = seen(name).numpy()
    assert first.shape == IMAGES.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, seen(name))
    if name != "none":
        assert np.any(first != seen(name, seed=SEED + 1))


@pytest.mark.parametrize("name", augment.VIEWS)
def test_copies_are_further_views_of_all_images(name):
    view = augment.view(name, AUGMENTATION, 255.0)
    copies = view(tf.constant(IMAGES), SEED, 3).numpy()
    repeated = view(tf.constant(np.concatenate([IMAGES] * 3)), SEED).numpy()
    np.testing.assert_array_equal(copies, repeated)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_large_images_are_cropped_as_small_ones_are(dtype):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (6, 72, 70, 3)).astype(dtype)
    corner = random.randint(0, 6, (12, 2)).astype(np.int32)
    flip = np.arange(12) % 3 == 0
    large = views._crop_large(images, corner, flip, (66, 64))
    small = views._crop_small(
        np.concatenate([images, images]), corner, flip, (66, 64)
    )
    np.testing.assert_array_equal(large, small)


@pytest.mark.parametrize(
    "name",
    [
        "weak",
        "autoaugment",
        "randaugment",
        "simclr",
        "photograph",
        "photograph_randaugment",
    ],
)
def test_views_are_random_per_image(name):
    same = np.repeat(IMAGES[:1], 64, axis=0)
    distinct = {image.tobytes() for image in seen(name, same).numpy()}
    assert len(distinct) > 30


@pytest.mark.parametrize("name", augment.VIEWS)
def test_float_pictures_keep_their_type_and_range(name):
    scaled = (IMAGES / 255.0).astype(np.float32)
    result = seen(name, scaled, scale=1.0)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result * 255.0, seen(name), atol=1.01)


@pytest.mark.parametrize("name", augment.VIEWS)
def test_grey_pictures_pass(name):
    assert seen(name, IMAGES[..., :1]).shape == (8, 32, 32, 1)


@pytest.mark.parametrize(("name", "furthest"), [("weak", 4), ("slight", 2)])
def test_weak_is_a_shift_and_a_flip(name, furthest):
    count = 400
    ramp = np.arange(1, 33, dtype=np.uint8)
    image = np.broadcast_to(ramp[None, :, None], (32, 32, 3))
    images = np.broadcast_to(image, (count, 32, 32, 3)).copy()
    result = seen(name, images).numpy()
    row = result[:, 16, :, 0].astype(int)
    inner = row[:, 8:24]
    flipped = inner[:, 0] > inner[:, -1]
    assert 0.4 < flipped.mean() < 0.6
    np.testing.assert_array_equal(
        np.diff(inner, axis=1), np.where(flipped, -1, 1)[:, None] * np.ones(15)
    )
    # All shifts to both sides are equally frequent.
    shift = np.where(flipped, inner[:, ::-1][:, 0], inner[:, 0]) - 9
    values, counts = np.unique(shift, return_counts=True)
    assert list(values) == list(range(-furthest, furthest + 1))
    assert counts.min() > count / len(values) / 2


def test_flips_can_be_ruled_out():
    fixed = augment.Augmentation(crop_padding=0, horizontal_flip=False)
    result = augment.view("weak", fixed, 255.0)(tf.constant(IMAGES), SEED)
    np.testing.assert_array_equal(result, IMAGES)


@pytest.mark.parametrize("size", [(32, 32), (12, 20)])
def test_crops_of_any_size_are_pillows(size):
    random = np.random.RandomState(1)
    start = random.uniform(0, 15, (8, 2))
    sides = random.uniform(3, 32 - 15, (8, 2))
    boxes = np.concatenate([start, sides], axis=1).astype(np.float32)
    boxes[0] = 0, 0, 32, 32
    found = op.resized_crop(tf.constant(IMAGES), tf.constant(boxes), size)
    for image, (top, left, height, width), image_found in zip(
        IMAGES, boxes.tolist(), found.numpy(), strict=True
    ):
        expected = Image.fromarray(image).resize(
            size[::-1],
            Image.Resampling.BILINEAR,
            box=(left, top, left + width, top + height),
        )
        # Pillow rounds between the axes and once more at the end.
        difference = np.abs(image_found.astype(int) - np.asarray(expected))
        assert difference.max() <= 2 and difference.mean() < 0.5


@pytest.mark.parametrize("channels", [1, 3])
def test_large_crops_by_pillow_are_those_of_the_graph(channels, monkeypatch):
    smooth = tf.image.resize(COARSE[..., :channels], (96, 80), "bicubic")
    images = tf.cast(tf.clip_by_value(smooth, 0, 255), tf.uint8)
    boxes = contrastive.random_boxes(images, SEED, 0.2)
    # The first is the whole picture.
    boxes = tf.concat([[[0.0, 0.0, 96.0, 80.0]], boxes[1:]], axis=0)
    resized = tf.function(lambda i: op.resized_crop(i, boxes, (72, 64)))
    found = resized(images)
    monkeypatch.setattr(op, "_LARGE", 1000)
    expected = op.resized_crop(images, boxes, (72, 64))
    assert found.shape == expected.shape == (8, 72, 64, channels)
    difference = np.abs(found.numpy().astype(int) - expected.numpy())
    assert difference.max() <= 2 and difference.mean() < 0.5


def test_random_boxes_have_the_areas_and_shapes_of_torchvision():
    images = tf.zeros([4000, 20, 40, 3], tf.uint8)
    boxes = contrastive.random_boxes(images, SEED, 0.2).numpy()
    top, left, height, width = boxes.T
    assert min(top.min(), left.min()) >= 0.0
    assert (top + height).max() < 20.001 and (left + width).max() < 40.001
    area = height * width / 800.0
    is_full = area > 0.9999
    ratio = (width / height)[~is_full]
    assert area.min() >= 0.2 - 1e-4 and 0.2 < np.quantile(area, 0.01) < 0.22
    assert ratio.min() > 0.7499 and ratio.max() < 1.3334
    # Twice as wide as high: areas near the full one never fit.
    assert area[~is_full].max() < 0.67 and is_full.mean() < 0.03
    assert np.corrcoef(area[~is_full], np.log(ratio))[0, 1] < 0.5


def test_simclr_views_crop_flip_jitter_and_grey_as_published():
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :16] = 200, 40, 90  # Dark on the right.
    images = np.broadcast_to(image, (600, 32, 32, 3)).copy()
    full = augment.Augmentation(smallest_crop=1.0)
    result = augment.view("simclr", full, 255.0)(tf.constant(images), SEED)
    # A crop of the full image keeps both sides; half of them are mirrored.
    side = result.numpy()[:, 16, [4, 27]].astype(int).max(axis=-1)
    flipped = side[:, 0] < side[:, 1]
    assert 0.44 < flipped.mean() < 0.56
    colour = result.numpy()[np.arange(600), 16, np.where(flipped, 27, 4)]
    grey = np.ptp(colour, axis=1) == 0
    assert 0.15 < grey.mean() < 0.25
    same = np.all(colour == [200, 40, 90], axis=1)
    assert 0.12 < same.mean() < 0.21  # 20 % of the 80 % that are not grey.
    fixed = augment.Augmentation(horizontal_flip=False)
    result = augment.view("simclr", fixed, 255.0)(tf.constant(images), SEED)
    side = result.numpy()[:, 16, [0, 31]].astype(int).max(axis=-1)
    assert (side[:, 0] >= side[:, 1]).all()


def test_simclr_views_of_a_margin_have_the_requested_size():
    view = augment.view("simclr", AUGMENTATION, 255.0, (24, 20))
    images = tf.zeros([3, 32, 28, 3], tf.uint8)
    assert view(images, SEED, 2).shape == (6, 24, 20, 3)


def known(monkeypatch, boxes, flips, changes):
    """Replaces random numbers by known ones, told apart by their rank."""

    def uniform(shape, seed):
        del seed
        by_rank = {1: flips, 2: changes, 3: boxes}
        if len(shape) == 3 and shape[2] == 2 and shape[1] == 2:
            return tf.constant(changes, tf.float32)  # Of RandAugment.
        return tf.constant(by_rank[len(shape)], tf.float32)

    monkeypatch.setattr(random, "uniform", uniform)


def test_photographs_are_cropped_and_mirrored_by_known_numbers(monkeypatch):
    images = np.random.RandomState(0).randint(0, 256, (2, 40, 40, 3))
    images = images.astype(np.uint8)
    # 0.64 of the area and a ratio of 1 are 32 x 32 pixels, of which 8 are free
    # to both sides; ten draws of area and ratio, then that of the corner.
    sides = [[(0.64 - 0.35) / 0.65, 0.5]] * 10
    boxes = [[*sides, [0.25, 0.5]], [*sides, [1.0, 0.0]]]
    # Factors of 1: no change of colours.
    known(monkeypatch, boxes, flips=[0.7, 0.2], changes=[[0.5] * 4] * 2)
    view = augment.view("photograph", AUGMENTATION, 255.0, (32, 32))
    found = view(tf.constant(images), SEED).numpy()
    np.testing.assert_array_equal(found[0], images[0, 2:34, 4:36])
    np.testing.assert_array_equal(found[1], images[1, 8:40, 31::-1])
    # No flips where mirrored pictures are of another class.
    fixed = augment.Augmentation(horizontal_flip=False)
    view = augment.view("photograph", fixed, 255.0, (32, 32))
    found = view(tf.constant(images), SEED).numpy()
    np.testing.assert_array_equal(found[1], images[1, 8:40, :32])


def test_colours_of_photographs_change_by_known_numbers(monkeypatch):
    image = np.full((1, 8, 8, 3), (100, 50, 50), np.uint8)
    full = [[[1.0, 0.5]] * 10 + [[0.0, 0.0]]]
    # Brightness 1.2, contrast 1, saturation 0.8, as 0.2 (2 u - 1) + 1.
    known(monkeypatch, full, [0.9], [[1.0, 0.5, 0.0, 0.3]])
    found = augment.view("photograph", AUGMENTATION, 255.0)(image, SEED)
    # 120, 60, 60 of luminance 77.94: 0.2 of the way to it.
    expected = [120 - 0.2 * (120 - 77.94), 60 + 0.2 * 17.94] * 2
    np.testing.assert_array_equal(
        found.numpy()[0, 0, 0], np.round([expected[0], *expected[1::2]])
    )


def test_randaugment_of_photographs_by_known_numbers(monkeypatch):
    image = np.zeros((3, 8, 8, 3), np.uint8)
    image[:, :4], image[:, 4:] = 100, 200
    full = [[[1.0, 0.5]] * 10 + [[0.0, 0.0]]] * 3
    kinds = policies._RANDOM_KINDS
    at = lambda kind: (kinds.index(kind) + 0.5) / len(kinds)  # noqa: E731
    nothing = [at(op.IDENTITY), 0.0]
    draws = [
        [[at(op.BRIGHTNESS), 0.9], nothing],
        [nothing, [at(op.BRIGHTNESS), 0.1]],
        [[at(op.SOLARIZE), 0.0], [at(op.POSTERIZE), 0.0]],
    ]
    known(monkeypatch, full, [0.9] * 3, draws)
    view = augment.view("photograph_randaugment", AUGMENTATION, 255.0)
    found = view(image, SEED).numpy()[:, [0, 7], 0, 0]
    # Factors 1 + 0.27 and 1 - 0.27; 255 - 200 from 179.2 on, in 7 bits.
    np.testing.assert_array_equal(found, [[127, 254], [73, 146], [100, 54]])


def test_randaugment_has_the_magnitudes_of_torchvision():
    table = policies._fixed_table(9 / 30, 331).numpy()
    expected = {
        op.IDENTITY: (0.0, None),
        op.ROTATE: (0.0, 9.0),
        op.SHEAR_X: (0.0, 0.09),
        op.SHEAR_Y: (0.0, 0.09),
        op.TRANSLATE_X: (0.0, 45.0),
        op.TRANSLATE_Y: (0.0, 45.0),
        op.BRIGHTNESS: (1.0, 0.27),
        op.COLOR: (1.0, 0.27),
        op.CONTRAST: (1.0, 0.27),
        op.SHARPNESS: (1.0, 0.27),
        op.POSTERIZE: (7.0, 0.0),
        op.SOLARIZE: (179.2, 0.0),
    }
    assert len(table) == 14
    for kind, base, swing in table:
        if kind in expected and kind != op.IDENTITY:
            np.testing.assert_allclose([base, swing], expected[kind], rtol=1e-5)
    assert {op.AUTO_CONTRAST, op.EQUALIZE, *expected} == set(table[:, 0])


def test_every_crop_of_a_photograph_has_the_middle_of_the_picture():
    images = tf.zeros([4000, 30, 30, 1], tf.uint8)
    boxes = contrastive.random_boxes(images, SEED, photographs.SMALLEST_CROP)
    start, sides = np.split(boxes.numpy(), 2, axis=1)
    assert (start < 15.0).all() and (start + sides > 15.0).all()
    assert sides.prod(axis=1).min() < 0.36 * 900
    # With the smallest crops of torchvision many have not.
    start, sides = np.split(
        contrastive.random_boxes(images, SEED, 0.08).numpy(), 2, axis=1
    )
    outside = ((start >= 15.0) | (start + sides <= 15.0)).any(axis=1)
    assert outside.mean() > 0.1


def test_both_views_of_photographs_begin_alike(monkeypatch):
    nothing = lambda images, *args, **options: images  # noqa: E731
    monkeypatch.setattr(policies, "color_jitter", nothing)
    monkeypatch.setattr(policies, "rand_augment_fixed", nothing)
    first, second = (
        seen(name).numpy() for name in ("photograph", "photograph_randaugment")
    )
    np.testing.assert_array_equal(first, second)
    assert np.any(first != IMAGES)


def test_views_of_photographs_with_a_margin_have_the_requested_size():
    for name in ("photograph", "photograph_randaugment"):
        view = augment.view(name, AUGMENTATION, 255.0, (24, 20))
        images = tf.zeros([3, 32, 28, 3], tf.uint8)
        assert view(images, SEED, 2).shape == (6, 24, 20, 3)


def test_a_crop_without_area_is_reported():
    with pytest.raises(ValueError, match=r"`smallest_crop` in \(0, 1\]"):
        augment.Augmentation(smallest_crop=0.0)


def test_cutout_covers_a_square_of_half_the_side():
    white = np.full((200, 32, 32, 3), 255, np.uint8)
    covered = (policies.cutout(tf.constant(white), SEED).numpy() == 127)[..., 0]
    heights = covered.any(axis=2).sum(axis=1)
    assert heights.max() == 17 and heights.min() >= 8
    assert np.all(covered.sum(axis=(1, 2)) == heights * covered.any(1).sum(1))


def test_an_unknown_view_is_reported():
    with pytest.raises(ValueError, match="Expected a view, one of"):
        nk.data.augment.view("strong", AUGMENTATION, 255.0)
    with pytest.raises(ValueError, match="`view` to be one of"):
        nk.CrossEntropy(toy.network(), 8, view="strong")
