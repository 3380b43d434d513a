"""`--network` and `--weights` for networks of others and from files."""

import json
import zipfile

import keras
import pytest

from noisy_keras.networks import providers
from tests.trainers.flags.settings_test import FLAGS
from trainers import UsageError
from trainers.flags import networks
from trainers.flags import settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of pictures in the current folder."""
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path)


def resolve(**flags):
    values = {**FLAGS, "dataset": "folder:pictures", "weights": None, **flags}
    return settings.resolve("dividemix", values)


def test_networks_of_others_bring_the_size_of_their_images():
    for name, size in (
        ("keras:EfficientNetV2S", 384),
        ("keras:MobileNetV3Small", 224),
        ("keras_hub:vit_base_patch16_224_imagenet", 224),
        ("keras_cv:resnet50_imagenet", 224),
        ("efficientnet_lite0", 224),
        ("resnet18", 64),
        (None, 64),
    ):
        found = resolve(network=name)
        assert found.data["image_size"] == size, name
        assert found.training["weights"] is None
    assert (
        resolve(network="keras:VGG16", image_size=96).data["image_size"] == 96
    )
    # Data sets that have a size of their own keep it.
    found = resolve(network="keras:VGG16", dataset="cifar10", noise_rate=0.5)
    assert found.data["image_size"] is None
    # The width of the preset is that of its own network.
    assert found.training["width"] is None


def test_sizes_are_those_of_the_library():
    assert networks._SIZES == providers._SIZES
    assert networks.PROVIDERS == providers.NAMES
    assert networks._ENDINGS == (".weights.h5", ".h5")


def test_weights_are_settings(tmp_path):
    found = resolve(network="efficientnet_lite0", weights="imagenet")
    assert found.training["weights"] == "imagenet"
    assert {"network", "weights"} <= set(found.replaced)
    path = tmp_path / "w.weights.h5"
    with pytest.raises(UsageError, match="--weights: expected a file that is"):
        resolve(weights=str(path))
    path.touch()
    assert resolve(weights=str(path)).training["weights"] == str(path)
    with pytest.raises(UsageError, match="imagenet, none or a FILE.weights"):
        resolve(weights="imagnet")


def test_files_are_looked_for_and_kept_by_their_whole_path(tmp_path):
    images = keras.Input((40, 40, 3))
    keras.Model(images, keras.layers.Conv2D(2, 3)(images)).save("n.keras")
    found = resolve(network="n.keras")
    assert found.training["network"] == str(tmp_path / "n.keras")
    assert found.data["image_size"] == 40
    with pytest.raises(UsageError, match="--network: .*'other.keras'"):
        resolve(network="other.keras")
    (tmp_path / "encoder").mkdir()
    with pytest.raises(UsageError, match="a folder with saved_model.pb"):
        resolve(network="saved_model:encoder")
    (tmp_path / "encoder" / "saved_model.pb").touch()
    found = resolve(network="saved_model:encoder").training["network"]
    assert found == f"saved_model:{tmp_path / 'encoder'}"
    found = resolve(network="keras_hub:encoder").training["network"]
    assert found == f"keras_hub:{tmp_path / 'encoder'}"
    with pytest.raises(UsageError, match="a name behind keras:; got 'keras:'"):
        resolve(network="keras:")


def test_files_that_do_not_say_their_size(tmp_path):
    path = tmp_path / "n.keras"
    path.write_bytes(b"no file of Keras")
    assert networks.image_size(str(path)) == 224
    for shape, size in (([None, 48, 32, 3], None), ([None, 48, 48, 3], 48)):
        with zipfile.ZipFile(path, "w") as archive:
            config = {"layers": [{"config": {"batch_shape": shape}}]}
            archive.writestr("config.json", json.dumps(config))
        assert networks.image_size(str(path)) == size
