import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from noisy_keras.data.io import decoding as training
from noisy_keras.serving import decoding
from noisy_keras.serving import resizing
from tests.serving import files

SIZE, MARGIN = 32, 2


@pytest.fixture(scope="module")
def decode():
    spec = [tf.TensorSpec([], tf.string)]

    @tf.function(input_signature=spec)
    def one(data):
        plain = decoding.is_plain(data)
        return decoding.decode(data, 7, plain, (SIZE, SIZE, 3), MARGIN)

    return one


def trained_on(data):
    image = training.decode(data, SIZE + 2 * MARGIN)
    return image[MARGIN:-MARGIN, MARGIN:-MARGIN]


@pytest.mark.parametrize(
    "shape", [(1, 1), (36, 36), (37, 51), (200, 64), (100, 140), (1, 40)]
)
def test_every_kind_of_file_is_decoded_as_in_training(decode, shape):
    for name, data in files.kinds(*shape).items():
        found = decode(data).numpy()
        np.testing.assert_array_equal(found, trained_on(data), err_msg=name)


@pytest.mark.large
def test_a_photograph_is_decoded_as_in_training(decode):
    image = files.picture(3000, 4000)
    for data in (
        files.encoded(image, "JPEG"),
        files.encoded(image, "PNG", compress_level=1),
        files.with_exif(image, "JPEG", 8),
    ):
        np.testing.assert_array_equal(decode(data).numpy(), trained_on(data))


@pytest.mark.parametrize("few", [pytest.param(0, marks=pytest.mark.large), 60])
def test_invalid_files_raise(decode, few):
    for data in files.corrupt(few or 500):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "an empty string"),
        (b"hello", "bytes that are neither"),
        (files.encoded(files.picture(9, 9), "GIF"), "a GIF file"),
        (files.encoded(files.picture(9, 9), "BMP"), "a BMP file"),
        (files.encoded(files.picture(9, 9), "JPEG")[:-4], "end is missing"),
        (files.encoded(files.picture(9, 9), "PNG")[:-9], "end is missing"),
    ],
)
def test_the_error_describes_the_file_and_its_row(decode, data, message):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        decode(data)
    assert message in str(caught.value)
    assert "[in row] [7]" in str(caught.value)


def test_an_image_of_too_many_pixels_raises_by_its_header(decode):
    data = bytearray(files.encoded(files.picture(9, 9), "PNG"))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="60000"):
        decode(bytes(data))


def test_transparency_is_mixed_as_pillow_does_for_every_value():
    color, alpha = np.meshgrid(np.arange(256), np.arange(256))
    image = np.stack([color, color, color, alpha], -1).astype(np.uint8)
    page = Image.new("RGBA", (256, 256), "white")
    expected = Image.alpha_composite(page, Image.fromarray(image))
    np.testing.assert_array_equal(
        decoding._on_white(image), np.asarray(expected)[..., :3]
    )


def test_grey_is_pillows():
    image = np.random.RandomState(0).randint(0, 256, (99, 99, 3), np.uint8)
    np.testing.assert_array_equal(
        decoding.grey(image)[..., 0],
        np.asarray(Image.fromarray(image).convert("L")),
    )


def test_images_need_not_be_square():
    # 8x4 to 2x4: rows are halved twice, columns brought down and cut.
    image = np.arange(8 * 4, dtype=np.float32).reshape(8, 4, 1)
    found = resizing.fitted(tf.constant(image), 2, 4)[..., 0]
    # The shorter side fits already: the middle two of eight rows.
    np.testing.assert_array_equal(found, image[3:5, :, 0])
    constant = tf.fill([9, 5, 3], 0.25)
    np.testing.assert_allclose(
        resizing.fitted(constant, 3, 7), np.full((3, 7, 3), 0.25), rtol=1e-6
    )
