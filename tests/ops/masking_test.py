import os

import numpy as np
import pytest
import tensorflow as tf

from noisy_keras.ops import masking

PARITY = os.path.join(os.path.dirname(__file__), "../parity/sanm_masking.npz")


@pytest.fixture(scope="module")
def reference():
    with np.load(PARITY) as arrays:
        return {
            key: v.astype(np.float32) if v.dtype.kind == "f" else v
            for key, v in arrays.items()
        }


@pytest.mark.parametrize("jit", [False, True])
def test_parity_with_independent_numbers(reference, jit):
    r = reference
    size = tuple(int(v) for v in r["image_size"])

    # The reference broke exact ties between border pixels, which bilinear
    # enlargement makes equal, by the rounding of its own float64 sums. Boxes
    # are compared for its choice; the choice itself by its activation.
    located = np.zeros((len(r["peak"]), *size), np.float32)
    located[np.arange(len(located)), r["peak"][:, 0], r["peak"][:, 1]] = 1.0

    @tf.function(jit_compile=jit)
    def compute():
        activation = masking.class_activation_map(
            r["features"], r["kernel"], r["classes"]
        )
        ratio = masking.mask_ratio(r["clean_probability"], r["base_ratio"])
        boxes = masking.mask_boxes(located, ratio, r["aspect_ratio"], size)
        found = {
            "activation": activation,
            "mask_ratio": ratio,
            "boxes": boxes,
            "masked": masking.fill_boxes(r["images"], boxes, r["fill"]),
            "regularized": masking.regularize_labels(
                tf.constant(r["targets"]), ratio
            ),
        }
        return found, masking.peak(activation, size)

    found, (rows, columns) = compute()
    for name, value in found.items():
        np.testing.assert_allclose(
            value, r[name], rtol=1e-4, atol=1e-5, err_msg=name
        )
    enlarged = tf.image.resize(r["activation"][..., None], size)[..., 0]
    for i, (row, column) in enumerate(r["peak"]):
        ours = float(enlarged[i, rows[i], columns[i]])
        assert ours == pytest.approx(float(enlarged[i, row, column]), rel=1e-6)
        # The first of equals.
        assert (rows[i], columns[i]) <= (row, column)


def test_activation_map_is_the_weighted_sum_of_features():
    features = np.zeros((1, 1, 2, 2), np.float32)
    features[0, 0] = [[1.0, 2.0], [3.0, 4.0]]
    kernel = np.array([[1.0, 10.0], [0.5, -1.0]], np.float32)
    result = masking.class_activation_map(features, kernel, [1])
    np.testing.assert_allclose(result[0, 0], [10.0 - 2.0, 30.0 - 4.0])


def test_energy_is_the_sum_of_squares():
    features = np.array([[[[1.0, -2.0], [0.0, 3.0]]]], np.float32)
    np.testing.assert_allclose(masking.energy_map(features)[0, 0], [5.0, 9.0])


def test_peak_of_one_cell_lies_in_the_middle_of_its_pixels():
    activation = np.zeros((1, 4, 4), np.float32)
    activation[0, 1, 2] = 1.0
    row, column = masking.peak(activation, (32, 32))
    # Pixels 11 and 12 share the maximum; the first counts.
    assert (int(row[0]), int(column[0])) == (11, 19)


def centred(row, column, ratio, aspect):
    # An activation of the image's own size keeps its peak where it is.
    activation = np.zeros((1, 32, 32), np.float32)
    activation[0, row, column] = 1.0
    return masking.mask_boxes(
        activation, tf.constant([ratio]), tf.constant([aspect]), (32, 32)
    ).numpy()[0]


def test_box_is_centred_and_of_the_asked_area():
    np.testing.assert_allclose(centred(16, 16, 0.25, 1.0), [8, 24, 8, 24])


def test_box_is_clipped_at_the_border():
    np.testing.assert_allclose(centred(0, 0, 0.25, 1.0), [0, 8, 0, 8])


def test_aspect_ratio_is_height_over_width():
    up, down, left, right = centred(16, 16, 0.25, 1.21)
    assert (down - up) / (right - left) == pytest.approx(1.21, rel=1e-5)
    assert (down - up) * (right - left) == pytest.approx(256, rel=1e-5)


def test_corner_box_is_shifted_inside():
    activation = np.zeros((1, 32, 32), np.float32)
    activation[0, 30, 30] = 1.0
    boxes = masking.corner_boxes(
        activation, tf.constant([0.05]), tf.constant([1.0]), (32, 32)
    )
    np.testing.assert_allclose(boxes[0], [25, 32, 25, 32])


def test_ratio_of_zero_masks_nothing():
    images = np.ones((1, 8, 8, 3), np.float32)
    boxes = masking.mask_boxes(
        np.ones((1, 8, 8), np.float32),
        masking.mask_ratio(tf.constant([1.0]), 0.3),
        tf.constant([1.0]),
        (8, 8),
    )
    np.testing.assert_array_equal(
        masking.fill_boxes(images, boxes, 0.0), images
    )


def test_a_pixel_is_inside_when_its_centre_is():
    images = np.zeros((1, 4, 4, 1), np.float32)
    boxes = np.array([[0.6, 2.5, 1.0, 2.4]], np.float32)
    filled = masking.fill_boxes(images, tf.constant(boxes), 1.0)[0, ..., 0]
    expected = np.zeros((4, 4))
    expected[1, 1] = 1.0  # Row centres 1.5; 0.5 and 2.5 are outside.
    np.testing.assert_array_equal(filled, expected)


def test_labels_lose_the_share_that_is_masked():
    targets = tf.constant([[1.0, 0.0, 0.0, 0.0]])
    result = masking.regularize_labels(targets, tf.constant([0.3]))
    np.testing.assert_allclose(result, [[0.7, 0.1, 0.1, 0.1]], rtol=1e-6)


def test_labels_keep_their_sum_and_clip_at_zero():
    targets = tf.constant([[0.26, 0.25, 0.25, 0.24]])
    ratio = tf.constant([0.3])
    plain = masking.regularize_labels(targets, ratio)
    clipped = masking.regularize_labels(targets, ratio, clip=True)
    assert float(tf.reduce_min(plain)) == pytest.approx(-0.04, abs=1e-6)
    assert float(tf.reduce_min(clipped)) == 0.0
    for result in (plain, clipped):
        assert float(tf.reduce_sum(result)) == pytest.approx(1.0, abs=1e-6)


def test_any_dtype_is_converted_to_float32():
    activation = np.zeros((1, 4, 4))
    activation[0, 1, 2] = 1.0
    boxes = masking.mask_boxes(activation, [0.1], [1.0], 32)
    same = masking.mask_boxes(
        activation.astype(np.float32), np.float32([0.1]), [1], (32, 32)
    )
    np.testing.assert_array_equal(boxes, same)
    filled = masking.fill_boxes(
        np.zeros((1, 8, 8, 3), np.uint8), [[0, 4, 0, 8]], 128
    )
    assert filled.dtype == tf.float32
    assert filled.numpy().sum() == 4 * 8 * 3 * 128
    moved = masking.regularize_labels([[1, 0, 0, 0]], np.array([0.3]))
    np.testing.assert_allclose(moved, [[0.7, 0.1, 0.1, 0.1]], atol=1e-6)
    ratio = masking.mask_ratio(np.array([0.25]), 0.4)
    assert ratio.dtype == tf.float32
