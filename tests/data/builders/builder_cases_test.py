"""The builders in TFDS' own test case, on generated data."""

import pathlib
import shutil
import tempfile

import pytest
import tensorflow_datasets as tfds

from noisy_keras.data import builders
from noisy_keras.data.layouts import imagenet
from tests.data.builders import folders

pytest.importorskip("dill", reason="TFDS' test case needs it")

# Generated sets do not have the published number of samples.
pytestmark = pytest.mark.filterwarnings("ignore:Expected the published number")


class Drawn:
    """Generates the folder that TFDS' test case reads."""

    @classmethod
    def setUpClass(cls):
        cls.EXAMPLE_DIR = tempfile.mkdtemp()
        cls.draw(pathlib.Path(cls.EXAMPLE_DIR))
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.EXAMPLE_DIR)


class TestAnimal10N(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["animal10n"]
    SPLITS = {"train": 11, "test": 2}
    draw = folders.animal10n


class TestClothing1M(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["clothing1m"]
    SPLITS = {"train": 12, "validation": 5, "test": 5, "clean_train": 4}
    # Images with noisy labels that annotators verified as well.
    OVERLAPPING_SPLITS = ["train"]
    draw = folders.clothing1m


@pytest.mark.filterwarnings("ignore:Expected the list clean_train")
class TestClothing1MWithListsOfPathsAndLabels(
    Drawn, tfds.testing.DatasetBuilderTestCase
):
    DATASET_CLASS = builders.BY_NAME["clothing1m"]
    SPLITS = {"train": 3, "validation": 3, "test": 3}
    draw = folders.clothing1m_flat


class TestFood101N(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["food101n"]
    SPLITS = {"train": 3, "test": 2}
    draw = folders.food101n


class TestWebVision(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["webvision"]
    BUILDER_CONFIG_NAMES_TO_TEST = ["full"]
    SPLITS = {"train": 4, "test": 2}
    draw = folders.webvision


class TestMiniWebVision(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["webvision"]
    BUILDER_CONFIG_NAMES_TO_TEST = ["mini"]
    SPLITS = {"train": 2, "test": 1}
    draw = folders.webvision


class TestImageNet32(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["imagenet32"]
    BUILDER_CONFIG_NAMES_TO_TEST = ["full"]
    SPLITS = {"train": 300, "test": 30}

    def draw(folder):
        folders.imagenet(folder, 32)


class TestImageNet64(Drawn, tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = builders.BY_NAME["imagenet64"]
    BUILDER_CONFIG_NAMES_TO_TEST = ["drpl"]
    SPLITS = {"train": 150, "test": 15}

    def draw(folder):
        folders.imagenet(folder, 64)


def test_every_builder_has_the_files_that_tfds_requires():
    for name, builder in builders.BY_NAME.items():
        metadata = builder.get_metadata()
        assert len(metadata.description) > 200, name
        assert metadata.citation.startswith("@"), name
        assert "ml.task.image-classification" in metadata.tags, name
        assert builder.MANUAL_DOWNLOAD_INSTRUCTIONS, name


@pytest.mark.parametrize("size", [32, 64])
def test_downloads_have_checksums(size):
    builder = builders.BY_NAME[f"imagenet{size}"]
    files = {info.filename for info in builder.url_infos.values()}
    assert files == set(imagenet.archives(size))
    for url, info in builder.url_infos.items():
        assert url.endswith(f"/{info.filename}")
        assert info.size > 1e8 and len(info.checksum) == 64
