"""Files of features: contents, going on after a stop, damage."""

import os

import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.utils.errors import ConfigurationError
from tests import commands
from trainers import UsageError
from trainers.run import encoders


def _images(count, seed=0):
    random = np.random.RandomState(seed)
    return random.randint(0, 256, (count, 8, 8, 3)).astype(np.uint8)


def _source(count=10, seed=0, **options):
    return nk.data.from_arrays(
        _images(count, seed), np.arange(count) % 2, **options
    )


@pytest.fixture(scope="module")
def encoder():
    """The mean of each channel."""
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, outputs)


def _means(count, seed=0):
    return _images(count, seed).mean(axis=(1, 2))


def test_a_file_holds_features_labels_and_splits(encoder, tmp_path):
    path = tmp_path / "f.npz"
    sources = {"train": _source(), "test": _source(4, seed=1)}
    found = nk.features.write(sources, encoder, path, part_size=3, bits=32)
    assert (found.samples, found.columns, found.made) == (14, 3, 14)
    test = nk.data.from_feature_file(path, split="test")
    rows = test.fetch(np.arange(4))
    np.testing.assert_allclose(rows, _means(4, seed=1), rtol=1e-6)
    # Both splits count from 0.
    assert test.ids.tolist() == [f"test/{n:06d}" for n in range(4)]
    train = nk.data.from_feature_file(path)
    assert train.labels.tolist() == [0, 1] * 5
    assert os.listdir(tmp_path) == ["f.npz"]


def test_sixteen_bits_are_usual_and_true_labels_are_kept(encoder, tmp_path):
    source = _source().with_noise(nk.data.SymmetricNoise(0.5, seed=0))
    nk.features.write(source, encoder, tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as arrays:
        assert arrays["features"].dtype == np.float16
        assert "split" not in arrays.files
    again = nk.data.from_feature_file(tmp_path / "f.npz")
    np.testing.assert_array_equal(again.true_labels, source.true_labels)
    np.testing.assert_array_equal(again.labels, source.labels)


def test_a_stopped_process_goes_on_and_a_damaged_part_is_made_again(
    encoder, tmp_path
):
    path = tmp_path / "f.npz"

    def stop(done, total):
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nk.features.write(
            _source(), encoder, path, part_size=3, report=stop, bits=32
        )
    parts = tmp_path / "f.npz.parts"
    assert not path.exists() and len(os.listdir(parts)) == 7
    (parts / "train-000000003.npy").write_bytes(b"damaged")
    found = nk.features.write(_source(), encoder, path, part_size=3, bits=32)
    assert found.made == 3 + 1  # The damaged part, and the last.
    source = nk.data.from_feature_file(path)
    rows = source.fetch(np.arange(10))
    np.testing.assert_allclose(rows, _means(10), rtol=1e-6)


def test_parts_of_other_images_are_not_used(encoder, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nk.features.write(
            _source(seed=1), encoder, tmp_path / "f.npz", report=stop
        )
    found = nk.features.write(_source(), encoder, tmp_path / "f.npz")
    assert found.made == 10


def test_a_changed_byte_is_found(encoder, tmp_path):
    path = tmp_path / "f.npz"
    nk.features.write(_source(), encoder, path)
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    arrays["features"][3, 1] += 1
    np.savez(path, **arrays)
    with pytest.raises(ConfigurationError, match="not those of its checksum"):
        nk.data.from_feature_file(path)


def test_bad_arguments_are_a_line(encoder, tmp_path):
    with pytest.raises(ConfigurationError, match="ends in .npz"):
        nk.features.write(_source(), encoder, tmp_path / "f.npy")
    with pytest.raises(ConfigurationError, match="16 or 32 bits"):
        nk.features.write(_source(), encoder, tmp_path / "f.npz", bits=8)
    with pytest.raises(ConfigurationError, match="same classes"):
        other = nk.data.from_arrays(_images(3), [0, 1, 2])
        both = {"train": _source(), "test": other}
        nk.features.write(both, encoder, tmp_path / "f.npz")
    inputs = keras.Input((8, 8, 3))
    large = keras.layers.Rescaling(1e3)(inputs)
    large = keras.Model(inputs, keras.layers.Flatten()(large))
    with pytest.raises(ConfigurationError, match="10 rows of a part; .*bits"):
        nk.features.write(_source(), large, tmp_path / "f.npz")


VALUES = {
    "dataset": "digits",
    "data_dir": None,
    "image_size": None,
    "width": None,
    "weights": None,
    "seed": 0,
    "max_unreadable": None,
    "max_train_samples": None,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "nothing.keras"}, "a file that is there.*nothing.keras"),
        ({"network": "nothing"}, "a .keras file or a folder that exists"),
        ({"network": "tiny", "dataset": "features:f.npz"}, "already"),
    ],
)
def test_what_the_command_refuses(changes, message):
    with pytest.raises(UsageError, match=message):
        encoders.prepare(VALUES | changes)


def test_the_command_makes_all_splits_of_a_data_set():
    sources, encoder, note = encoders.prepare(
        VALUES | {"network": "linear", "max_train_samples": 50}
    )
    counts = {split: len(source) for split, source in sources.items()}
    assert counts == {"train": 50, "validation": 270, "test": 270}
    assert encoder.name == "linear" and "random weights" in note


@pytest.mark.large
def test_the_command_writes_a_file(tmp_path):
    result = commands.run(
        "trainers.features",
        "--network=linear",
        "--max_train_samples=40",
        f"--output={tmp_path / 'digits.npz'}",
    )
    assert result.returncode == 0, result.stderr
    assert "580 samples, 3072 columns" in result.stdout
    source = nk.data.from_feature_file(tmp_path / "digits.npz")
    assert source.num_samples == 40
    assert source.ids[0].startswith("digit_")
