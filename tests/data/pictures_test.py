import csv
import io
import pickle

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.io import decoding
from noisy_keras.data.io import jpeg_batches
from noisy_keras.data.io import retrying
from noisy_keras.data.sources import file_source


def picture(color, size=(40, 30), mode="RGB"):
    return Image.new(mode, size, color)


def save(path, color, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(color).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes, nested, in several formats."""
    root = tmp_path / "pictures"
    save(root / "cat" / "a.png", (200, 0, 0))
    save(root / "cat" / "deep" / "b.JPG", (200, 0, 0), format="JPEG")
    save(root / "dog" / "c.gif", (0, 0, 200))
    save(root / "dog" / "d.bmp", (0, 0, 200))
    (root / "dog" / "notes.txt").write_text("no picture")
    (root / ".hidden").mkdir()
    return root


def test_a_folder_becomes_a_source(folder):
    source = nk.data.from_folder(folder, image_size=16)
    assert source.class_names == ("cat", "dog")
    assert list(source.labels) == [0, 0, 1, 1]
    expected = ["cat/a.png", "cat/deep/b.JPG", "dog/c.gif", "dog/d.bmp"]
    assert list(source.ids) == expected == list(source.paths)
    images = source.fetch([3, 0]).numpy()
    assert images.shape == (2, 16, 16, 3) and images.dtype == np.uint8
    np.testing.assert_allclose(images[0, 8, 8], [0, 0, 200], atol=3)
    np.testing.assert_allclose(images[1, 8, 8], [200, 0, 0], atol=3)


def test_subsets_and_sizes_read_the_right_files(folder):
    source = nk.data.from_folder(folder, image_size=16).subset([2, 1])
    images = source.resized(8).fetch([0, 1]).numpy()
    assert images.shape == (2, 8, 8, 3)
    assert images[0].argmax() % 3 == 2 and images[1].argmax() % 3 == 0


def test_views_crop_from_the_margin_and_stay_in_the_picture(folder):
    source = nk.data.from_folder(folder, image_size=16)
    wide = source.fetch_with_margin([0, 1])
    assert wide.shape == (2, 18, 18, 3)
    seen = source.view("weak")(wide, [1, 2])
    assert seen.shape == (2, 16, 16, 3)
    # Black borders would come from padding.
    assert seen.numpy()[..., 0].min() > 150
    none = source.view("none")(wide, [1, 2])
    np.testing.assert_array_equal(none, source.fetch([0, 1]))


def test_random_crops_show_every_position(tmp_path):
    ramp = np.tile(np.arange(18, dtype=np.uint8)[:, None, None], (1, 18, 3))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(ramp).save(tmp_path / name / "x.png")
    source = nk.data.from_folder(tmp_path, image_size=16)
    wide = source.fetch_with_margin(np.zeros(64, int))
    top = source.view("weak")(wide, [3, 4]).numpy()[:, 0, 0, 0]
    assert set(top) == {0, 1, 2}


def test_splits_by_name_of_the_sub_folder(tmp_path):
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            save(tmp_path / split / name / "x.png", (9, 9, 9))
    save(tmp_path / "train" / "owl" / "x.png", (9, 9, 9))
    assert nk.data.from_folder(tmp_path).num_samples == 3
    held = nk.data.from_folder(tmp_path, split="validation")
    assert held.class_names == ("cat", "dog", "owl")
    assert list(held.labels) == [0, 1]
    with pytest.raises(OSError, match="Expected the split 'test'"):
        nk.data.from_folder(tmp_path, split="test")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: (r / "owl").mkdir(), "1 without any in .*: owl"),
        (lambda r: (r / "cat").rename(r / ".cat"), "at least 2.*1 in"),
        (lambda r: r.rename(r.parent / "moved"), "which does not exist"),
    ],
)
def test_bad_folders_are_reported(folder, change, message):
    change(folder)
    with pytest.raises((ValueError, OSError), match=message):
        nk.data.from_folder(folder)


def test_unreadable_files_are_left_out_and_listed(tmp_path):
    for number in range(150):
        save(tmp_path / "ab"[number % 2] / f"{number:03d}.png", (9, 9, 9))
    (tmp_path / "a" / "empty.jpg").write_bytes(b"")
    source = nk.data.from_folder(tmp_path, image_size=8)
    assert source.num_samples == 150
    assert source.unreadable == {"a/empty.jpg": "empty file"}
    (tmp_path / "a" / "text.jpg").write_text("hello there")
    with pytest.raises(ValueError, match="at most 1%.*2 of 152"):
        nk.data.from_folder(tmp_path)


def test_images_damaged_while_reading_are_black_and_said(tmp_path):
    for number in range(4):
        save(tmp_path / "ab"[number % 2] / f"{number}.png", (200, 200, 200))
    source = nk.data.from_folder(tmp_path, image_size=8)
    broken = tmp_path / "a" / "0.png"
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.warns(UserWarning, match="a/0.png: PNG file whose end"):
        assert source.fetch([0]).numpy().max() == 0
    assert list(source.unreadable) == ["a/0.png"]
    assert source.unreadable_samples.tolist() == [True, False, False, False]
    assert source.subset([1, 0]).unreadable_samples.tolist() == [False, True]
    assert source.failure is None
    (tmp_path / "b" / "1.png").unlink()
    with pytest.raises(Exception, match="at most 1%"):
        source.fetch([2])
    assert "b/1.png: No such file" in str(source.failure)


def test_the_tolerated_number_can_be_raised(tmp_path):
    for number in range(10):
        save(tmp_path / "ab"[number % 2] / f"{number}.png", (9, 9, 9))
    for number in (0, 2):
        (tmp_path / "a" / f"{number}.png").write_bytes(b"GIF89a, no more")
    with pytest.raises(ValueError, match=r"at most 1%.*--max_unreadable"):
        nk.data.from_folder(tmp_path)
    for most in (2, 0.2):
        source = nk.data.from_folder(tmp_path, max_unreadable=most)
        assert source.num_samples == 8 and len(source.unreadable) == 2
    with pytest.raises(ValueError, match=r"at most 10.00% .* 2 of 10"):
        nk.data.from_folder(tmp_path, max_unreadable=0.1)
    with pytest.raises(ValueError, match="share below 1"):
        nk.data.from_folder(tmp_path, max_unreadable=-1)


def test_sources_can_be_pickled(folder):
    source = nk.data.from_folder(folder, image_size=16)
    other = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(other.fetch([2]), source.fetch([2]))


def encoded(image, format, **options):
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "color", "format", "expected"),
    [
        ("RGB", (10, 120, 240), "PNG", (10, 120, 240)),
        ("RGB", (10, 120, 240), "JPEG", (10, 120, 240)),
        ("L", 77, "PNG", (77, 77, 77)),
        ("L", 77, "JPEG", (77, 77, 77)),
        ("L", 77, "BMP", (77, 77, 77)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("P", 0, "GIF", (0, 0, 0)),
        ("I;16", 257 * 80, "PNG", (80, 80, 80)),
        ("CMYK", (0, 255, 255, 0), "JPEG", (255, 0, 0)),
        ("RGBA", (0, 0, 0, 0), "PNG", (255, 255, 255)),
        ("RGBA", (9, 8, 7, 255), "PNG", (9, 8, 7)),
    ],
)
def test_every_kind_of_file_shows_its_colour(mode, color, format, expected):
    data = encoded(Image.new(mode, (20, 30), color), format)
    image = decoding.decode(data, 12)
    assert image.shape == (12, 12, 3)
    np.testing.assert_allclose(image[6, 6], expected, atol=4)


def test_a_rotated_photograph_is_upright():
    # The left half is black, and is at the top after rotation.
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # Rotate by 90 degrees clockwise to view.
    data = encoded(Image.fromarray(pixels), "JPEG", exif=exif, quality=95)
    image = decoding.decode(data, 16)
    assert image[:6].max() < 40 and image[10:].min() > 215


@pytest.mark.parametrize("progressive", [False, True])
def test_headers_of_photographs_tell_size_and_rotation(progressive):
    image = Image.new("RGB", (50, 30))
    plain = encoded(image, "JPEG", progressive=progressive)
    assert decoding._jpeg_header(plain) == (30, True)
    # Fill bytes may precede a marker.
    padded = plain[:2] + b"\xff\xff" + plain[2:]
    assert decoding._jpeg_header(padded) == (30, True)
    exif = Image.Exif()
    exif[0x0112] = 6
    rotated = encoded(image, "JPEG", exif=exif, progressive=progressive)
    assert decoding._jpeg_header(rotated) == (30, False)
    assert decoding._jpeg_header(plain[:20]) == (0, True)


def test_the_middle_of_a_wide_picture_is_kept():
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 255
    image = decoding.decode(encoded(Image.fromarray(pixels), "PNG"), 10)
    assert image.min() == 255


def test_large_photographs_are_reduced_without_aliasing():
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[::2] = 255  # Grey when downsampled.
    data = encoded(Image.fromarray(pixels), "JPEG", quality=95)
    image = decoding.decode(data, 40)
    assert 100 < image.min() and image.max() < 155


def test_passing_failures_are_tried_again(tmp_path, monkeypatch):
    path = save(tmp_path / "x.png", (1, 2, 3))
    remote = "memory://x.png"
    fails = iter([True, True, False])
    real = decoding.tf.io.gfile.GFile

    def unsteady(*args):
        if next(fails):
            raise decoding.tf.errors.UnavailableError(None, None, "busy")
        return real(str(path), *args[1:])

    monkeypatch.setattr(decoding.tf.io.gfile, "GFile", unsteady)
    monkeypatch.setattr(retrying.time, "sleep", lambda seconds: None)
    assert decoding.read_bytes(remote) == path.read_bytes()


def table(folder, text, name="labels.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_file_becomes_a_source(folder):
    path = table(
        folder,
        "label,path,true_label,note\n"
        "dog,cat/a.png,cat,\n"
        "dog,dog/c.gif,,x\n"
        "cat,cat/deep/b.JPG,cat,\n",
    )
    source = nk.data.from_csv(path, image_size=16)
    assert source.class_names == ("cat", "dog")
    assert list(source.labels) == [1, 1, 0]
    assert list(source.true_labels) == [0, -1, 0]
    assert list(source.ids) == ["cat/a.png", "dog/c.gif", "cat/deep/b.JPG"]
    assert source.fetch([1]).numpy()[0, 8, 8, 2] > 190


def test_whole_numbers_are_classes_in_the_order_of_numbers(folder):
    path = table(folder, "path,label\ncat/a.png,10\ndog/c.gif,2\n")
    source = nk.data.from_csv(path)
    assert source.class_names == ("2", "10") and list(source.labels) == [1, 0]


def test_splits_by_column(folder):
    path = table(
        folder,
        "path,label,split\ncat/a.png,cat,train\n"
        "dog/c.gif,dog,train\ndog/d.bmp,dog,val\n",
    )
    assert nk.data.from_csv(path).num_samples == 2
    held = nk.data.from_csv(path, split="validation")
    assert list(held.ids) == ["dog/d.bmp"] and held.num_classes == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns path and label.*an empty file"),
        ("name,label\na,b\n", "columns path and label.*name, label"),
        ("path,label\n", "at least one line"),
        ("path,label\ncat/a.png,\n", "1 without: line 2"),
        ("path,label\ncat/a.png,cat\ncat/b.png,dog\n", "cat/b.png .line 3"),
        ("path,label\n../x.png,cat\ncat/a.png,dog\n", "paths below.*line 2"),
        ("path,label\n/etc/x.png,cat\ncat/a.png,dog\n", "paths below.*line 2"),
        (
            "path,label\ncat/a.png,cat\ndog/c.gif,dog\ncat/./a.png,dog\n",
            "one label per path.*line 4",
        ),
        ("path,label\ncat/a.png,cat\n", "at least 2 classes"),
        (
            "path,label,split\ncat/a.png,cat,train\ndog/c.gif,dog,tain\n",
            "'tain' in line 3",
        ),
    ],
)
def test_bad_files_are_reported_with_their_lines(folder, text, message):
    with pytest.raises(ValueError, match=message):
        nk.data.from_csv(table(folder, text))


def test_labels_outside_the_class_list_are_reported(folder):
    path = table(folder, "path,label\ncat/a.png,cat\ndog/c.gif,dgo\n")
    with pytest.raises(ValueError, match="'dgo' at line 3"):
        nk.data.from_csv(path, class_names=["cat", "dog"])


def test_the_audit_of_files_names_them(folder, tmp_path):
    source = nk.data.from_folder(folder, image_size=32)
    model = nk.CrossEntropy(nk.networks.build("tiny", source, width=4), 4)
    model.compile()
    model.fit(source, epochs=1, batch_size=2, verbose=0)
    model.label_audit(source).to_csv(tmp_path / "audit.csv")
    with open(tmp_path / "audit.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["path"] for row in rows] == list(source.paths)
    assert {row["given_label"] for row in rows} == {"cat", "dog"}


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="at least 8 pixels"):
        file_source.FileSource(["a"], [0], ["x", "y"], image_size=4)


def photographs(folder, size=32):
    """Plain JPEG files of the right size, and others."""
    random = np.random.RandomState(0)
    rotated = Image.Exif()
    rotated[0x0112] = 6
    kinds = {
        "plain.jpg": ((size, size), "RGB", {}),
        "wide.jpg": ((size, 2 * size), "RGB", {}),
        "tall.jpg": ((size + 9, size), "RGB", {"progressive": True}),
        "grey.jpg": ((size, size), "L", {}),
        "inks.jpg": ((size, size), "CMYK", {}),
        "rotated.jpg": ((size, size + 4), "RGB", {"exif": rotated}),
        "large.jpg": ((4 * size, 4 * size), "RGB", {}),
        "other.png": ((size, size), "RGB", {}),
    }
    for name, (shape, mode, options) in kinds.items():
        channels = {"L": (), "RGB": (3,), "CMYK": (4,)}[mode]
        pixels = random.randint(0, 256, (*shape, *channels), np.uint8)
        Image.fromarray(pixels, mode).save(folder / name, **options)
    return [str(folder / name) for name in kinds]


def test_photographs_of_the_right_size_are_decoded_in_one_graph(tmp_path):
    paths = photographs(tmp_path)
    images, problems = decoding.read_files(paths, 32)
    expected, _ = decoding.read_pictures(paths, 32)
    assert problems == {}
    np.testing.assert_array_equal(images, expected)
    _, done = jpeg_batches.decode_files(paths, 32)
    assert list(done) == [True] * 4 + [False] * 4


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0rest", None])
def test_files_that_a_graph_rejects_are_read_one_by_one(tmp_path, data):
    paths = photographs(tmp_path)[:3] + [str(tmp_path / "broken.jpg")]
    if data is not None:
        (tmp_path / "broken.jpg").write_bytes(data)
    images, problems = decoding.read_files(paths, 32)
    assert list(problems) == [3]
    expected, _ = decoding.read_pictures(paths, 32)
    np.testing.assert_array_equal(images, expected)
    assert images[0].any() and not images[3].any()
