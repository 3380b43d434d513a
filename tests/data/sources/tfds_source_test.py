"""Sources from data sets that TFDS has prepared."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

import noisy_keras as nk
from noisy_keras.data.sources import tfds_source
from tests import toy

IMAGES, LABELS = toy.pictures(30)


class Named(tfds.core.GeneratorBasedBuilder):
    """Images of one size, with ids and clean labels."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "image": tfds.features.Image(shape=(16, 16, 3)),
                    "label": tfds.features.ClassLabel(names=list("abcd")),
                    "clean_label": tfds.features.Scalar(np.int64),
                }
            )
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
            yield (
                i,
                {
                    "id": f"{i:02d}",
                    "image": image,
                    "label": (label + 1) % 4,
                    "clean_label": label if i else -1,
                },
            )


class Sized(tfds.core.GeneratorBasedBuilder):
    """Images of any size, with other feature names and without ids."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "photo": tfds.features.Image(),
                    "kind": tfds.features.ClassLabel(num_classes=4),
                }
            )
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
            yield i, {"photo": image[: 16 - i % 3], "kind": label}


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def folder(request, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp(request.param))
    for builder in (Named, Sized):
        make = builder(data_dir=folder, file_format=request.param)
        make.download_and_prepare()
    return folder


def test_ids_order_the_samples_and_pictures_are_exact(folder):
    source = nk.data.from_tfds("named", data_dir=folder)
    assert list(source.ids) == [f"{i:02d}" for i in range(30)]
    assert source.class_names == tuple("abcd")
    np.testing.assert_array_equal(source.labels, (LABELS + 1) % 4)
    assert list(source.true_labels) == [-1, *LABELS[1:]]
    np.testing.assert_array_equal(source.fetch([3, 0, 17]), IMAGES[[3, 0, 17]])
    assert source.resized(8).fetch([1]).shape == (1, 8, 8, 3)


def test_pictures_of_any_size_are_brought_to_one(folder):
    source = nk.data.from_tfds(
        "sized",
        image_key="photo",
        label_key="kind",
        data_dir=folder,
        image_size=16,
    )
    assert source.image_shape == (16, 16, 3)
    assert source.true_labels is None
    assert sorted(source.labels) == sorted(LABELS)
    assert len(set(source.ids)) == 30
    assert source.fetch([0, 29]).shape == (2, 16, 16, 3)
    # The brightest quarter still shows the class.
    pictures = source.fetch(np.arange(30)).numpy().astype(float)
    halves = pictures.mean(axis=3).reshape(30, 2, 8, 2, 8).mean(axis=(2, 4))
    np.testing.assert_array_equal(
        halves.reshape(30, 4).argmax(axis=1), source.labels
    )


def test_parts_of_a_split(folder):
    full = nk.data.from_tfds("named", data_dir=folder)
    parts = [
        nk.data.from_tfds("named", part, data_dir=folder)
        for part in ("train[:40%]", "train[40%:]")
    ]
    assert [part.num_samples for part in parts] == [12, 18]
    assert {i for part in parts for i in part.ids} == set(full.ids)
    row = list(full.ids).index(parts[1].ids[4])
    np.testing.assert_array_equal(parts[1].fetch([4]), full.fetch([row]))


def test_splits_there_are(folder):
    assert tfds_source.tfds_splits("sized", folder) == {"train"}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("named", {"split": "dev"}, "Expected a split of named, one of"),
        ("named", {"label_key": "y"}, "Expected a feature of named.*'y'"),
        ("named", {"label_key": "id"}, "type ClassLabel. Received: Text"),
        ("named", {"image_key": "id"}, "type Image. Received: Text"),
        ("sized", {}, "one of kind, photo. Received: 'image'"),
        (
            "sized",
            {"image_key": "photo", "label_key": "kind", "id_key": "no"},
            "Received: 'no'",
        ),
    ],
)
def test_missing_splits_and_features_are_reported(
    folder, name, arguments, message
):
    with pytest.raises(ValueError, match=message):
        nk.data.from_tfds(name, data_dir=folder, **arguments)


def test_an_unknown_set_is_reported(tmp_path):
    with pytest.raises(OSError, match="no_such_set is not prepared in"):
        nk.data.from_tfds("no_such_set", data_dir=tmp_path)
