"""Predictions of image files and of Pillow images."""

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.sources.picture_source import PictureSource
from noisy_keras.testing import toy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    images, labels = toy.pictures(8, size=20)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / "abcd"[label]).mkdir(exist_ok=True)
        picture = Image.fromarray(image).resize((30, 40))
        picture.save(folder / "abcd"[label] / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def source(folder):
    return nk.data.from_folder(str(folder), image_size=16)


@pytest.fixture(scope="module")
def model(source):
    model = nk.CrossEntropy(toy.network(), source)
    model.compile()
    return model


def test_files_and_pillow_images_are_predicted_as_in_training(
    model, source, folder
):
    expected = model.predict(source, verbose=0)
    paths = [folder / path for path in source.paths]
    np.testing.assert_allclose(model.predict(paths, verbose=0), expected)
    opened = [Image.open(path) for path in paths]
    mixed = [*opened[:3], *map(str, paths[3:])]
    np.testing.assert_allclose(model.predict(mixed, verbose=0), expected)
    one = model.predict(str(paths[2]), verbose=0)
    np.testing.assert_allclose(one, expected[2:3], rtol=1e-5)
    found = nk.predict_files(model, mixed, batch_size=3)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)
    assert found.class_names == ("a", "b", "c", "d")
    names = np.array(found.class_names)[expected.argmax(axis=1)]
    assert found.predicted.tolist() == names.tolist()
    assert found.paths[:3] == ["", "", ""] and found.paths[3] == str(paths[3])


def test_what_cannot_be_read_is_listed(model, source, folder, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    paths = [
        str(folder / source.paths[0]),
        str(tmp_path / "broken.png"),
        str(tmp_path / "missing.png"),
        str(tmp_path),
    ]
    with pytest.raises(nk.ConfigurationError, match="3 that cannot, at 1: "):
        model.predict(paths, verbose=0)
    found = nk.predict_files(model, paths, batch_size=2)
    assert sorted(found.unreadable) == [1, 2, 3]
    assert np.isnan(found.probabilities[1:]).all()
    assert found.predicted.tolist()[1:] == ["", "", ""]
    assert found.predicted[0] in "abcd"
    assert found.unreadable[3] == "not a file"


def test_a_temperature_divides_logits(model, source, folder):
    paths = [folder / path for path in source.paths]
    found = nk.predict_files(model, paths, temperature=2.0).probabilities
    expected = np.sqrt(model.predict(source, verbose=0))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_pictures_come_in_the_models_range_and_channels(tmp_path):
    red = Image.new("RGB", (10, 20), (200, 100, 50))
    red.save(tmp_path / "red.png")
    pictures = [tmp_path / "red.png", red.convert("CMYK"), red.convert("L")]
    grey = PictureSource(pictures, "ab", (8, 8, 1), margin=2, pixel_scale=1.0)
    images = grey.fetch([0, 1, 2]).numpy()
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.float32
    # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2.
    np.testing.assert_allclose(images[0] * 255.0, 124.0, atol=0.6)
    np.testing.assert_allclose(images[2], images[0], atol=0.005)
    coloured = PictureSource(pictures, "ab", (8, 8, 3)).fetch([0]).numpy()
    assert coloured[0, 4, 4].tolist() == [200, 100, 50]
    with pytest.raises(ValueError, match="square images"):
        PictureSource(pictures, "ab", (8, 9, 3))


def test_other_data_and_models_are_told(model):
    with pytest.raises(ValueError, match="list of paths"):
        nk.predict_files(model, np.zeros((1, 16, 16, 3)))
    with pytest.raises(ValueError, match="temperature above 0"):
        nk.predict_files(model, ["a.png"], temperature=0.0)
    features = nk.SimCLR(toy.network(), 32)
    with pytest.raises(ValueError, match="makes features"):
        nk.predict_files(features, ["a.png"])
