import numpy as np
import pytest
import tensorflow_datasets as tfds

import noisy_keras as nk
from noisy_keras.data.sources import cifar
from noisy_keras.data.sources import cifar_n
from tests.data import torch_files

COUNT = 30
TRUE = np.arange(COUNT) % 10
# Every third label is wrong.
HUMAN = np.where(np.arange(COUNT) % 3 == 0, (TRUE + 1) % 10, TRUE)


def published(labels=HUMAN, true_labels=TRUE, **others):
    return {
        "worse_label": labels,
        "aggre_label": true_labels,
        "clean_label": true_labels,
        **others,
    }


def prepare(folder, name, **human):
    """Writes a small set with the features and the order of TFDS.

    The value of the pixels of a picture is its row.
    """
    builder = tfds.builder(name, data_dir=folder)
    features = builder.info.features
    for label in {"label", "coarse_label"} & set(features):
        count = features[label].num_classes
        features[label].names = [f"class {k}" for k in range(count)]

    def example(prefix, row):
        # Workers, times and coarse classes exist but are not used.
        found = {key: 0 for key in features}
        # Test images have no human labels.
        for key, labels in human.items():
            found[key] = int(labels[row]) if prefix == "train" else -1
        found["id"] = f"{prefix}_{row:05d}"
        found["image"] = np.full((32, 32, 3), row, np.uint8)
        found["label"] = row % 10
        return row, found

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=builder.version,
        features=features,
        split_datasets={
            "train": [example("train", row) for row in range(COUNT)],
            "test": [example("test", row) for row in range(8)],
        },
        data_dir=folder,
    )


@pytest.fixture(scope="module")
def plain_dir(tmp_path_factory):
    """A folder with a small CIFAR-10 and the file of human labels."""
    folder = tmp_path_factory.mktemp("plain")
    prepare(folder, "cifar10")
    torch_files.write(folder / "CIFAR-10_human.pt", published())
    return folder


@pytest.fixture(scope="module")
def prepared_dir(tmp_path_factory):
    """A folder with small sets as TFDS prepares them from human labels."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(
        folder,
        "cifar10_n",
        worse_label=HUMAN,
        random_label1=(TRUE + 1) % 10,
    )
    prepare(folder, "cifar100_n", noise_label=HUMAN)
    return folder


@pytest.fixture(autouse=True)
def _small_validation(monkeypatch, request):
    if "cifar_dir" not in request.fixturenames:
        monkeypatch.setattr(cifar, "VALIDATION", 6)


@pytest.mark.parametrize("folder", ["plain_dir", "prepared_dir"])
def test_training_splits_carry_human_labels(folder, request):
    folder = request.getfixturevalue(folder)
    train = nk.data.load("cifar10_n", human_labels="worse", data_dir=folder)
    np.testing.assert_array_equal(train.labels, HUMAN)
    np.testing.assert_array_equal(train.true_labels, TRUE)
    assert list(train.ids) == [f"train_{i:05d}" for i in range(COUNT)]
    assert list(train.fetch(range(COUNT))[:, 0, 0, 0]) == list(range(COUNT))
    assert train.noise == {
        "type": "human",
        "rate": 0.333333,
        "convention": "worse",
        "realized_rate": 0.333333,
    }
    assert train.name == "cifar10_n (train)"
    fit = nk.data.load("cifar10_n", "fit", data_dir=folder)
    np.testing.assert_array_equal(fit.labels, HUMAN[:-6])
    np.testing.assert_array_equal(fit.true_labels, TRUE[:-6])
    assert fit.noise["realized_rate"] == pytest.approx(8 / 24, abs=1e-6)
    assert fit.pixel_mean == (0.4914, 0.4822, 0.4465)


@pytest.mark.parametrize("folder", ["plain_dir", "prepared_dir"])
def test_validation_and_test_keep_their_labels(folder, request):
    folder = request.getfixturevalue(folder)
    for split, ids in (
        ("validation", [f"train_{i:05d}" for i in range(COUNT - 6, COUNT)]),
        ("test", [f"test_{i:05d}" for i in range(8)]),
    ):
        source = nk.data.load("cifar10_n", split, data_dir=folder)
        assert list(source.ids) == ids
        rows = [int(i.split("_")[1]) for i in ids]
        assert list(source.labels) == [row % 10 for row in rows]
        assert source.noise is None and source.true_labels is None
        assert source.name == f"cifar10_n ({split})"


def test_cifar100_has_one_kind(prepared_dir):
    source = nk.data.load("cifar100_n", data_dir=prepared_dir)
    np.testing.assert_array_equal(source.labels, HUMAN)
    assert source.noise["convention"] == "noisy_fine"
    assert source.pixel_mean == (0.507, 0.487, 0.441)


def test_the_file_may_lie_in_a_folder_of_the_set(tmp_path):
    prepare(tmp_path, "cifar10")
    (tmp_path / "cifar10_n").mkdir()
    path = tmp_path / "cifar10_n" / "CIFAR-10_human.pt"
    torch_files.write(path, published())
    source = nk.data.load("cifar10_n", "train", data_dir=tmp_path)
    np.testing.assert_array_equal(source.labels, HUMAN)
    few = nk.data.load("cifar10_n", data_dir=tmp_path, max_samples=4)
    assert list(few.labels) == list(HUMAN[:4])
    torch_files.write(path, published(true_labels=np.roll(TRUE, 1)))
    message = "which 30 of 30 labels of CIFAR differ"
    with pytest.raises(ValueError, match=message):
        nk.data.load("cifar10_n", data_dir=tmp_path)


def test_labels_of_other_pictures_are_reported(prepared_dir):
    with pytest.raises(ValueError, match="30 of 30 labels of cifar10_n differ"):
        nk.data.load("cifar10_n", human_labels="random1", data_dir=prepared_dir)


def test_labels_that_are_nowhere_are_reported(tmp_path):
    with pytest.raises(OSError, match="CIFAR-100_human.pt in .* neither"):
        nk.data.load("cifar100_n", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"name": "cifar10_n", "human_labels": "worst"},
            "of cifar10_n, one of worse, aggre, random1, random2, random3. "
            "Received: 'worst'",
        ),
        ({"name": "cifar100_n", "human_labels": "worse"}, "one of noisy_fine"),
        (
            {"name": "cifar10", "human_labels": "worse"},
            "with one of cifar10_n, cifar100_n. "
            "Received: human_labels='worse' with 'cifar10'",
        ),
        (
            {"name": "cifar10_n", "noise": nk.data.SymmetricNoise(0.4)},
            "symmetric noise; use it with cifar10",
        ),
    ],
)
def test_options_that_do_not_fit_are_reported(options, message):
    with pytest.raises(ValueError, match=message):
        nk.data.load(**options)


def test_the_file_is_read_by_kind(tmp_path):
    path = tmp_path / "labels.pt"
    torch_files.write(path, published())
    labels, true_labels = cifar_n.human_labels(path, "worse")
    np.testing.assert_array_equal(labels, HUMAN)
    np.testing.assert_array_equal(true_labels, TRUE)
    assert list(cifar_n.human_labels(path, "aggre")[0]) == list(TRUE)
    with pytest.raises(ValueError, match="Expected a file with `noisy_label`"):
        cifar_n.human_labels(path, "noisy_fine")
    with pytest.raises(ValueError, match="Received: 'clean'"):
        cifar_n.human_labels(path, "clean")
    torch_files.write(path, published(random_label1=TRUE[:5]))
    with pytest.raises(ValueError, match=r"shape \(5,\) of `random_label1`"):
        cifar_n.human_labels(path, "random1")


def test_joining_compares_the_published_labels():
    images = np.zeros((COUNT, 4, 4, 3), np.uint8)
    source = nk.data.from_arrays(images, TRUE)
    joined = cifar_n.join(source, HUMAN, TRUE)
    np.testing.assert_array_equal(joined.labels, HUMAN)
    np.testing.assert_array_equal(joined.true_labels, TRUE)
    assert source.true_labels is None
    other = TRUE.copy()
    other[[3, 4]] = other[[4, 3]]
    message = "which 2 of 30 labels of CIFAR differ"
    with pytest.raises(ValueError, match=message):
        cifar_n.join(source, HUMAN, other)
    with pytest.raises(ValueError, match="Received: 29 human labels, 29"):
        cifar_n.join(source, HUMAN[:-1], TRUE[:-1])
    with pytest.raises(ValueError, match=r"Expected `labels` in \[0, 10\)"):
        cifar_n.join(source, HUMAN + 1, TRUE)


@pytest.mark.large
def test_real_pictures_meet_their_labels(cifar_dir, tmp_path):
    clean = nk.data.load("cifar10", data_dir=cifar_dir)
    noise = nk.data.SymmetricNoise(0.4, 0, convention="exclude_true")
    human = noise.apply(clean.labels, 10)
    # Read beside the prepared set, which is not changed.
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "cifar10").symlink_to(f"{cifar_dir}/cifar10")
    torch_files.write(
        folder / "CIFAR-10_human.pt",
        published(human.astype(np.int64), clean.labels.astype(np.int64)),
    )
    train = nk.data.load("cifar10_n", human_labels="worse", data_dir=folder)
    assert list(train.ids) == [f"train_{i:05d}" for i in range(50000)]
    np.testing.assert_array_equal(train.labels, human)
    np.testing.assert_array_equal(train.true_labels, clean.labels)
    rows = [0, 1, 777, 49999]
    np.testing.assert_array_equal(train.fetch(rows), clean.fetch(rows))
    assert train.noise["rate"] == pytest.approx(0.4)
    fit = nk.data.load("cifar10_n", "fit", data_dir=folder)
    np.testing.assert_array_equal(fit.labels, human[:45000])
