"""Whole and damaged files of every format, in training and in the graph."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from PIL import features

from noisy_keras.data.io import checking
from noisy_keras.data.io import decoding
from noisy_keras.data.io import whole
from noisy_keras.serving import decoding as serving
from tests.serving import files

SIZE = 32
UNCOMPRESSED = ("BMP", "PPM", "TIFF")


@pytest.fixture(scope="module")
def served():
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def one(data):
        plain = serving.is_plain(data)
        return serving.decode(data, 0, plain, (SIZE, SIZE, 3))

    def decode(data):
        try:
            return one(data).numpy()
        except tf.errors.InvalidArgumentError:
            return None

    return decode


def trained_on(data):
    try:
        return decoding.decode(data, SIZE)
    except ValueError:
        return None


def with_thumbnail():
    """A JPEG file whose EXIF data hold another one, with its own end."""
    inner = files.encoded(files.picture(16, 16), "JPEG")
    data = files.encoded(files.picture(64, 64), "JPEG")
    segment = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + inner
    length = (len(segment) + 2).to_bytes(2, "big")
    return data[:2] + b"\xff\xe1" + length + segment + data[2:]


def formats():
    image, other = files.picture(60, 80), files.picture(60, 80, 1)
    more = {"save_all": True, "append_images": [other]}
    found = {
        "jpeg": files.encoded(image, "JPEG"),
        "progressive": files.encoded(image, "JPEG", progressive=True),
        "thumbnail": with_thumbnail(),
        "rotated": files.with_exif(image, "JPEG", 6),
        "png": files.encoded(image, "PNG"),
        "animated png": files.encoded(image, "PNG", **more),
        "palette": files.encoded(image.convert("P"), "PNG"),
        "gif": files.encoded(image, "GIF"),
        "animated gif": files.encoded(image, "GIF", **more),
        "bmp": files.encoded(image, "BMP"),
        "webp": files.encoded(image, "WEBP"),
        "animated webp": files.encoded(image, "WEBP", **more),
        "tiff": files.encoded(image, "TIFF"),
        "lzw": files.encoded(image, "TIFF", compression="tiff_lzw"),
        # Without the zeros that fill up the last page.
        "pages": files.encoded(image, "TIFF", **more).rstrip(b"\0"),
        "ppm": files.encoded(image, "PPM"),
        "jpeg 2000": files.encoded(image, "JPEG2000"),
    }
    if features.check("avif"):
        found["avif"] = files.encoded(image, "AVIF")
    return found


def damaged(data):
    """Files that were cut anywhere, or whose rest a download left zero."""
    places = [len(data) - k for k in (1, 2, 3, 7, 12, 13, 60)]
    places += [len(data) * share // 100 for share in (2, 10, 50, 90, 98)]
    yield from ((f"{k} of {len(data)}", data[:k]) for k in places)
    if whole.check(data) not in UNCOMPRESSED:  # There they are black.
        half = len(data) // 2
        yield "zeros", data[:half] + bytes(len(data) - half)


@pytest.mark.parametrize("name", formats())
def test_whole_files_are_read_and_cut_ones_are_not(name, served):
    data = formats()[name]
    is_served = whole.check(data) in ("JPEG", "PNG")
    image = trained_on(data)
    assert image.std() > 10
    np.testing.assert_array_equal(served(data) if is_served else image, image)
    assert is_served or served(data) is None
    for what, part in damaged(data):
        assert trained_on(part) is None, what
        assert not is_served or served(part) is None, what
        with pytest.raises(ValueError):
            decoding.decode_small(part)


@pytest.mark.parametrize("name", ["jpeg", "thumbnail", "png", "gif", "webp"])
def test_bytes_behind_the_end_do_not_matter(name, served):
    data = formats()[name]
    image = trained_on(data + b"left by a camera")
    np.testing.assert_array_equal(image, trained_on(data))
    if whole.check(data) in ("JPEG", "PNG"):
        np.testing.assert_array_equal(served(data + bytes(40)), image)


def test_both_decoders_agree_on_flipped_bits(served):
    random = np.random.RandomState(0)
    for name in ("jpeg", "rotated", "png", "palette"):
        data = formats()[name]
        for _ in range(12):
            flipped = bytearray(data)
            flipped[random.randint(len(data))] ^= 1 << random.randint(8)
            ours, theirs = trained_on(bytes(flipped)), served(bytes(flipped))
            assert (ours is None) == (theirs is None), name
            if ours is not None:
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.4\n",
        b"hello there",
        b"P7 is a street",
        b"\0" * 99,
    ],
)
def test_other_content_is_refused_whatever_its_name(data):
    with pytest.raises(ValueError, match="not JPEG, PNG"):
        decoding.decode(data, SIZE)


def test_a_format_without_its_plug_in_is_named():
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    assert whole.format_of(data) == "HEIC"
    with pytest.raises(ValueError, match="HEIC"):
        decoding.decode(data[:24] + b"\0\0\0\x28mdat" + bytes(32), SIZE)


def test_wide_and_floating_pixels_of_tiff():
    grey = np.full((40, 40), 257 * 80, np.uint16)
    data = files.encoded(Image.fromarray(grey), "TIFF")
    assert (decoding.decode(data, SIZE) == 80).all()
    data = files.encoded(Image.fromarray(grey / np.float32(9)), "TIFF")
    with pytest.raises(ValueError, match="floating point"):
        decoding.decode(data, SIZE)


@pytest.mark.parametrize(
    "shape", [(1, 10000), (10000, 1), (1, 60000), (3, 101), (1, 16), (2, 33)]
)
def test_long_images_are_cut_before_they_are_enlarged(shape, served):
    pixels = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape)
    data = files.encoded(
        Image.fromarray((pixels % 251).astype(np.uint8)), "PNG"
    )
    image = trained_on(data)
    assert image.shape == (SIZE, SIZE, 3)
    np.testing.assert_array_equal(served(data), image)
    # The middle of the picture is what is left.
    middle = pixels.ravel()[[(pixels.size - 1) // 2, pixels.size // 2]] % 251
    if 1 in shape:
        center = image[SIZE // 2 - 1 : SIZE // 2 + 1]
        assert middle.min() - 2 <= np.median(center) <= middle.max() + 2


def test_what_is_resized_is_bounded(monkeypatch):
    sizes = []
    real = Image.Image.resize

    def resize(image, size, *rest):
        sizes.append(size)
        return real(image, size, *rest)

    monkeypatch.setattr(Image.Image, "resize", resize)
    for shape in ((1, 60000), (60000, 1)):
        data = files.encoded(Image.new("L", shape), "PNG")
        decoding.decode(data, 256)
    assert max(w * h for w, h in sizes) == 256 * 256 * 16


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "JPEG"])
def test_too_many_pixels_are_refused_by_the_header(kind, served):
    data = bytearray(files.encoded(files.picture(9, 9), kind))
    place = {"PNG": 16, "GIF": 6, "BMP": 18, "JPEG": data.find(b"\xff\xc0") + 5}
    size = {"PNG": 4, "GIF": 2, "BMP": 4, "JPEG": 2}[kind]
    order = "little" if kind in ("GIF", "BMP") else "big"
    start = place[kind]
    data[start : start + 2 * size] = (60000).to_bytes(size, order) * 2
    if kind == "PNG":  # With the checksum of its header.
        import zlib

        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(ValueError, match=r"pixels"):
        decoding.decode(bytes(data), SIZE)
    assert served(bytes(data)) is None


def test_large_transparent_images_are_converted_in_parts(served, monkeypatch):
    monkeypatch.setattr(serving, "_BLOCK", 700)
    spec = [tf.TensorSpec([], tf.string)]

    @tf.function(input_signature=spec)
    def decode(data):
        plain = serving.is_plain(data)
        return serving.decode(data, 0, plain, (SIZE, SIZE, 3))

    for name in ("transparent", "sixteen bits", "clear palette"):
        data = files.kinds(61, 83)[name]
        np.testing.assert_array_equal(decode(data), trained_on(data))


def test_ends_tell_which_files_are_whole(tmp_path):
    paths, expected = [], []
    for number, (name, data) in enumerate(formats().items()):
        # Of these, decoders find what is missing.
        if name not in ("tiff", "lzw", "pages", "ppm"):
            for cut in (0, 1, len(data) // 2):
                path = tmp_path / f"{number}_{cut}"
                path.write_bytes(data[: len(data) - cut])
                paths.append(str(path))
                expected.append(bool(cut))
    (tmp_path / "empty").write_bytes(b"")
    paths += [str(tmp_path / "empty"), str(tmp_path / "none")]
    problems = checking.check_ends(paths)
    wrong = [k in problems for k in range(len(paths))]
    assert wrong == [*expected, True, True]
    assert problems[len(paths) - 2] == "empty file"


def test_names_that_are_no_text_are_read(tmp_path):
    data = formats()["jpeg"]
    path = str(tmp_path) + b"/p\xe8re.jpg".decode("utf-8", "surrogateescape")
    with open(path, "wb") as stream:
        stream.write(data)
    images, problems = decoding.read_files([path, path], 60)
    assert problems == {}
    np.testing.assert_array_equal(images[1], decoding.decode(data, 60))
    assert checking.check_ends([path]) == {}
    assert checking.check_whole([path])[0] == {}


def test_a_long_check_says_how_far_it_is(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.png").write_bytes(formats()["png"])
    monkeypatch.setattr(checking, "_SILENT", 0.0)
    checking.check_whole([str(tmp_path / "a.png")] * 5)
    assert "checking pictures: 5 of 5" in capsys.readouterr().err


def test_the_first_frame_of_several_is_read():
    first, second = (Image.new("RGB", (40, 40), c) for c in ("red", "blue"))
    for kind in ("GIF", "TIFF", "MPO"):
        stream = io.BytesIO()
        first.save(stream, kind, save_all=True, append_images=[second])
        image = decoding.decode(stream.getvalue(), SIZE)
        assert image[..., 0].min() > 240 and image[..., 2].max() < 15, kind
