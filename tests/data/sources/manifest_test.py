import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data.sources import manifest
from tests import toy


@pytest.fixture
def saved(tmp_path):
    source = toy.source(32)
    manifest.save(tmp_path / "manifest.npz", source)
    return tmp_path / "manifest.npz", source


def clean():
    images, labels = toy.pictures(32)
    return nk.data.from_arrays(images, labels)


def test_labels_come_back_by_id(saved):
    path, source = saved
    again = manifest.apply(path, clean())
    np.testing.assert_array_equal(again.labels, source.labels)
    np.testing.assert_array_equal(again.true_labels, source.true_labels)
    assert again.noise == source.noise
    assert manifest.fingerprint(again) == manifest.fingerprint(source)
    part = manifest.apply(path, clean().subset([9, 3]))
    assert list(part.labels) == list(source.labels[[9, 3]])


def test_the_file_says_how_labels_came_about(saved):
    path, source = saved
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["transition"].shape == (4, 4)
        np.testing.assert_allclose(arrays["transition"].sum(axis=1), 1.0)
        wrong = np.mean(source.labels != source.true_labels)
        assert f'"realized_rate": {wrong}' in str(arrays["description"])


def test_other_files_and_samples_are_reported(saved, tmp_path):
    path, source = saved
    np.savez(tmp_path / "other.npz", x=[1])
    with pytest.raises(ValueError, match="Expected a noise manifest"):
        manifest.apply(tmp_path / "other.npz", clean())
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ValueError, match="Expected a noise manifest"):
        manifest.apply(tmp_path / "text.npz", clean())
    images, labels = toy.pictures(33)
    with pytest.raises(ValueError, match="1 of 33 .* '000032'"):
        manifest.apply(path, nk.data.from_arrays(images, labels))
    names = ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="of the classes"):
        manifest.apply(
            path,
            nk.data.from_arrays(*toy.pictures(32), class_names=names),
        )


def test_a_changed_file_is_reported(saved):
    path, _ = saved
    with np.load(path, allow_pickle=False) as arrays:
        held = dict(arrays)
    held["given_label"] = (held["given_label"] + 1) % 4
    np.savez(path, **held)
    with pytest.raises(ValueError, match="has changed"):
        manifest.apply(path, clean())


def test_foreign_images_come_back_by_id(tmp_path):
    path = tmp_path / "manifest.npz"
    pictures = np.arange(100, 140, dtype=np.uint8)[:, None, None, None]
    foreign = nk.data.from_arrays(
        np.tile(pictures, (1, 16, 16, 3)),
        np.arange(40) % 2,
        ids=[f"foreign {i}" for i in range(40)],
    )
    noisy = nk.data.OpenSetNoise(0.5, seed=3).apply_to(clean(), foreign)
    manifest.save(path, noisy)
    # In another order.
    moved = foreign.subset(np.arange(40)[::-1])
    again = manifest.apply(path, clean(), moved)
    rows = np.arange(32)
    np.testing.assert_array_equal(again.fetch(rows), noisy.fetch(rows))
    np.testing.assert_array_equal(again.foreign, noisy.foreign)
    np.testing.assert_array_equal(again.true_labels, noisy.true_labels)
    assert again.noise == noisy.noise
    assert manifest.matches(path, noisy) and manifest.matches(path, again)
    part = manifest.apply(path, clean().subset([9, 3]), foreign)
    np.testing.assert_array_equal(part.fetch([0, 1]), noisy.fetch([9, 3]))
    # The same labels with other or without foreign images do not match.
    other = nk.data.OpenSetNoise(0.5, seed=3).apply_to(clean(), moved)
    assert not manifest.matches(path, other)
    assert not manifest.matches(path, clean())
    with pytest.raises(ValueError, match="'foreign .*Received: no foreign im"):
        manifest.apply(path, clean())
    with pytest.raises(ValueError, match="a source that lacks .* of 16"):
        manifest.apply(path, clean(), foreign.subset(range(4)))


def test_fingerprints_tell_labels_and_samples_apart():
    first = toy.source(32)
    prints = {
        manifest.fingerprint(source)
        for source in (first, toy.source(32, seed=1), first.subset(range(31)))
    }
    assert len(prints) == 3
