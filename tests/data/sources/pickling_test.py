"""Sources can be pickled and copied, whatever they read from."""

import copy
import pickle

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.data.sources.mixed_source import MixedSource
from noisy_keras.data.sources.picture_source import PictureSource


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.RandomState(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        for number in range(3):
            pixels = random.randint(0, 256, (20, 24, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(
    scope="module",
    params=["arrays", "subset", "mixed", "files", "records", "own", "digits"],
)
def source(request, folder, tmp_path_factory):
    images = np.random.RandomState(1).randint(0, 256, (6, 16, 16, 3), np.uint8)
    arrays = nk.data.from_arrays(
        images, [0, 1, 0, 1, 0, 1], sample_weight=np.arange(6)
    )
    if request.param == "arrays":
        return arrays
    if request.param == "subset":
        return arrays.subset([4, 1, 3])
    if request.param == "mixed":
        return MixedSource(arrays, arrays.subset([2, 0]), [1, 5], [0, 1])
    if request.param == "digits":
        return nk.data.load("digits", noise=nk.data.SymmetricNoise(0.2))
    if request.param == "own":
        paths = sorted(str(p) for p in folder.glob("*/*.png"))
        return PictureSource(paths, ("a", "b"), (16, 16, 1), margin=1)
    files = nk.data.from_folder(str(folder), image_size=16)
    if request.param == "files":
        return files
    shards = tmp_path_factory.mktemp("shards")
    nk.data.write_tfrecord(files, str(shards), shards=2)
    records = nk.data.from_tfrecord(str(shards / "*.tfrecord"), image_size=16)
    records.fetch([0])  # So that a file is open.
    return records


@pytest.mark.parametrize(
    "copied", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy]
)
def test_a_copy_is_the_same_source(source, copied):
    again = copied(source)
    assert type(again) is type(source) and repr(again) == repr(source)
    index = np.arange(3)
    np.testing.assert_array_equal(again.fetch(index), source.fetch(index))
    for name in ("labels", "ids", "true_labels", "foreign", "sample_weights"):
        np.testing.assert_array_equal(
            getattr(again, name), getattr(source, name)
        )
    assert not again.labels.flags.writeable
    part = again.subset([2, 0])
    np.testing.assert_array_equal(part.fetch([0]), source.fetch([2]))
    # And once more, of what was restored.
    pickle.loads(pickle.dumps(part)).fetch([1])


def test_relabelling_a_copy_leaves_the_source(source):
    labels = source.labels.copy()
    changed = copy.deepcopy(source).relabel(1 - (labels > 0))
    assert changed.labels.tolist() != labels.tolist()
    np.testing.assert_array_equal(source.labels, labels)
