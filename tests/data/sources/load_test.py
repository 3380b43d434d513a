import numpy as np
import pytest

import noisy_keras as nk


def test_digits_need_no_download_and_splits_are_disjoint():
    parts = {
        s: nk.data.load("digits", s) for s in ("train", "validation", "test")
    }
    sizes = [part.num_samples for part in parts.values()]
    assert sizes == [1257, 270, 270]
    ids = [set(part.ids) for part in parts.values()]
    assert not (ids[0] & ids[1] or ids[0] & ids[2] or ids[1] & ids[2])
    train = parts["train"]
    assert train.image_shape == (32, 32, 3)
    assert train.num_classes == 10
    image = train.fetch([0])[0].numpy()
    assert image.max() > 200 and image.min() == 0
    assert not train.augmentation.horizontal_flip


def test_noise_is_only_added_to_training_labels():
    noise = nk.data.SymmetricNoise(0.4, seed=0)
    source = nk.data.load("digits", noise=noise)
    clean = nk.data.load("digits")
    np.testing.assert_array_equal(source.true_labels, clean.labels)
    assert 0.3 < np.mean(source.labels != clean.labels) < 0.4
    for split in ("validation", "test"):
        with pytest.raises(ValueError, match="training labels only"):
            nk.data.load("digits", split, noise=noise)


def test_the_first_samples_are_kept_before_noise():
    few = nk.data.load("digits", max_samples=100)
    assert list(few.ids) == list(nk.data.load("digits").ids[:100])
    assert nk.data.load(
        "digits", max_samples=100, image_size=16
    ).image_shape == (
        16,
        16,
        3,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digit",), "Did you mean 'digits'"),
        (("mnist",), "one of .*cifar10_n, .*digits"),
        (("digits", "dev"), "Expected a split"),
    ],
)
def test_unknown_names_are_reported(arguments, message):
    with pytest.raises(ValueError, match=message):
        nk.data.load(*arguments)


def test_an_impossible_number_is_reported():
    with pytest.raises(ValueError, match="max_samples=0"):
        nk.data.load("digits", max_samples=0)


@pytest.mark.large
def test_cifar10_comes_in_the_published_order(cifar_dir):
    train = nk.data.load("cifar10", data_dir=cifar_dir)
    assert train.num_samples == 50000
    assert train.ids[0] == "train_00000" and train.ids[-1] == "train_49999"
    # The first images of the published files: a frog and two trucks.
    assert [train.class_names[k] for k in train.labels[:3]] == [
        "frog",
        "truck",
        "truck",
    ]
    assert list(np.bincount(train.labels)) == [5000] * 10
    validation = nk.data.load("cifar10", "validation", data_dir=cifar_dir)
    assert validation.ids[0] == "train_45000"
    fit = nk.data.load("cifar10", "fit", data_dir=cifar_dir)
    assert fit.num_samples == 45000 and fit.ids[-1] == "train_44999"
    assert nk.data.load("cifar10", "test", data_dir=cifar_dir).num_samples == (
        10000
    )
