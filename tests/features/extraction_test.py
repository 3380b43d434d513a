import functools
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.data import example
from noisy_keras.features import cache as feature_cache
from tests import toy


@pytest.fixture(scope="module")
def source():
    return toy.source(40)


@pytest.fixture(scope="module")
def network():
    return toy.network()


def images_of(source):
    return tf.cast(source.fetch(np.arange(source.num_samples)), tf.float32)


def test_a_networks_embeddings_in_index_order(source, network):
    expected = network(images_of(source))["embedding"].numpy()
    for batch_size in (500, 7):  # The last batch is padded.
        found = nk.features.compute(source, network, batch_size=batch_size)
        assert found.shape == (40, 16) and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-5)
    model = nk.CrossEntropy(network, 40)
    np.testing.assert_allclose(
        nk.features.compute(source, model), expected, atol=1e-5
    )
    logits = nk.features.compute(source, network, output="logits")
    assert logits.shape == (40, toy.CLASSES)


def test_a_second_view(source, network):
    mirrored = images_of(source)[:, :, ::-1]
    np.testing.assert_allclose(
        nk.features.compute(source, network, "flip"),
        network(mirrored)["embedding"],
        atol=1e-5,
    )
    views = [
        nk.features.compute(source, network, "weak", seed=seed)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(views[0], views[1])
    assert np.any(views[0] != views[2])
    with pytest.raises(ValueError, match="a view, one of .'flip', 'none'"):
        nk.features.compute(source, network, "mirror")


def test_any_keras_model_and_a_keras_cv_backbone(source):
    import keras_cv

    def backbone_of():
        inputs = keras.Input((16, 16, 3))
        outputs = keras.layers.Conv2D(5, 3)(inputs)
        return keras.Model(inputs, outputs)

    backbone = backbone_of()
    maps = backbone(images_of(source)).numpy()
    np.testing.assert_allclose(
        nk.features.compute(source, backbone),
        maps.mean(axis=(1, 2)),
        rtol=1e-4,
        atol=1e-3,
    )
    rescaled = nk.features.compute(
        source, backbone, preprocessing=keras.layers.Rescaling(1 / 255)
    )
    assert np.abs(rescaled).max() < 10.0
    larger = keras_cv.models.CSPDarkNetBackbone(
        stackwise_channels=[8, 16],
        stackwise_depth=[1, 1],
        include_rescaling=True,
        input_shape=(32, 32, 3),
    )
    with pytest.raises(ValueError, match=r"\(32, 32, 3\), as the network was"):
        nk.features.compute(source, larger)
    resized = nk.features.compute(
        source, larger, preprocessing=keras.layers.Resizing(32, 32)
    )
    assert resized.shape[0] == 40 and resized.ndim == 2


@pytest.mark.large
def test_saved_models_and_keras_files(source, network, tmp_path):
    expected = nk.features.compute(source, network)
    model = nk.SimCLR(network, 40)
    model.compile()
    model.export(tmp_path / "served", verbose=False)
    np.testing.assert_allclose(
        nk.features.compute(source, tmp_path / "served"), expected, atol=1e-4
    )
    for saved, name in ((network, "network"), (model, "method")):
        path = tmp_path / f"{name}.keras"
        saved.save(path)
        np.testing.assert_allclose(
            nk.features.compute(source, str(path)), expected, atol=1e-5
        )


def test_code_in_files_raises(source, tmp_path):
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Lambda(lambda x: x[:, 0, 0])(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "lambda.keras")
    with pytest.raises(ValueError, match="safe"):
        nk.features.compute(source, tmp_path / "lambda.keras")


def test_a_file_of_features(source, tmp_path):
    path = tmp_path / "features.npy"
    features = np.random.RandomState(0).normal(size=(40, 3))
    np.save(path, features)
    found = nk.features.compute(source, path)
    np.testing.assert_allclose(found, features, rtol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((39, 3)), "40 rows of .*Received: 39"),
        (np.zeros((40, 3, 1)), r"shape \[N, D\] .*Received: float64"),
        (np.full((40, 3), np.nan), "Received: NaN or infinity in 40 of 40"),
        (np.array([["a"]] * 40), "Expected numbers of shape"),
        (np.array([[None]] * 40), "a file that cannot be read"),
    ],
)
def test_features_of_other_sources_raise(source, tmp_path, features, message):
    path = tmp_path / "features.npy"
    np.save(path, features, allow_pickle=True)
    with pytest.raises(ValueError, match=message):
        nk.features.load(path, source.num_samples)


def test_unreadable_files_raise(source, tmp_path):
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"no array")
    with pytest.raises(ValueError, match="cannot be read"):
        nk.features.load(broken, 40)
    (tmp_path / "broken.keras").write_bytes(b"PK no network")
    with pytest.raises(nk.ConfigurationError, match="a file that it cannot"):
        nk.features.compute(source, tmp_path / "broken.keras")
    with pytest.raises(OSError, match="nothing.npy"):
        nk.features.load(tmp_path / "nothing.npy", 40)
    with pytest.raises(ValueError, match="saved_model.pb"):
        nk.features.compute(source, tmp_path)
    with pytest.raises(ValueError, match="a `.keras` file, an `.npy` file"):
        nk.features.compute(source, tmp_path / "weights.h5")


def test_a_saved_model_of_encoded_images_raises(source, tmp_path):
    module = tf.Module()
    module.served = tf.function(
        lambda image_bytes: {"size": tf.strings.length(image_bytes)},
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    tf.saved_model.save(
        module, tmp_path, signatures={"serving_default": module.served}
    )
    with pytest.raises(ValueError, match="pixels.*'image_bytes': 'string'"):
        nk.features.compute(source, tmp_path)


def test_a_network_that_returns_nan_raises(source):
    network = toy.network()
    network.get_layer("logits").kernel.assign(
        np.full(network.get_layer("logits").kernel.shape, np.nan)
    )
    with pytest.raises(ValueError, match="NaN or infinity in 40 of 40 rows"):
        nk.features.compute(source, network, output="logits")


def test_several_outputs_without_a_name_raise(source):
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, [inputs, inputs])
    with pytest.raises(ValueError, match=r"`output`, one of \[0, 1\]"):
        nk.features.compute(source, model)
    assert nk.features.compute(source, model, output=1).shape == (40, 3)


def counted(monkeypatch):
    """Counts passes over sources."""
    passes = []
    whole = nk.features.Extractor.__call__

    def call(self, *args, **options):
        passes.append(args)
        return whole(self, *args, **options)

    monkeypatch.setattr(nk.features.Extractor, "__call__", call)
    return passes


def test_the_key_contains_what_features_depend_on(
    source, network, tmp_path, monkeypatch
):
    passes = counted(monkeypatch)

    def compute(source=source, encoder=network, view="none", **options):
        return nk.features.compute(
            source, encoder, view, cache=tmp_path / "kept", **options
        )

    first = compute()
    np.testing.assert_array_equal(compute(), first)
    # Labels, the batch size and a copy of the network change nothing.
    copy = nk.networks.reinitialized(network)
    copy.set_weights(network.get_weights())
    np.testing.assert_array_equal(
        compute(source.relabel(source.labels[::-1])), first
    )
    np.testing.assert_array_equal(compute(encoder=copy, batch_size=9), first)
    compute(seed=1)  # Nothing is random in this view.
    assert len(passes) == 1
    # Other weights, pictures, views, outputs and preprocessing do.
    copy.get_layer("logits").kernel.assign_add(
        tf.ones(copy.get_layer("logits").kernel.shape)
    )
    compute(encoder=copy)
    same_ids = nk.data.from_arrays(
        *toy.pictures(40, seed=1), ids=list(source.ids)
    )
    compute(same_ids)
    compute(source.subset(range(20)))
    compute(view="weak")
    compute(view="weak", seed=1)
    compute(output="logits")
    compute(preprocessing=keras.layers.Rescaling(0.5))
    compute(preprocessing=keras.layers.Rescaling(0.25))
    assert len(passes) == 9
    assert len(os.listdir(tmp_path / "kept")) == 9
    # A function cannot be hashed.
    compute(preprocessing=lambda x: x / 2)
    compute(preprocessing=lambda x: x / 3)
    assert len(passes) == 11
    assert len(os.listdir(tmp_path / "kept")) == 9


def test_the_key_contains_the_order_of_outputs(source, tmp_path):
    """The same layers and weights, joined in another way, are another."""
    inputs = keras.Input((16, 16, 3))
    hidden = keras.layers.Conv2D(4, 1)(inputs)
    last = keras.layers.ReLU()(hidden)
    found = [
        nk.features.compute(source, model, output=0, cache=tmp_path)
        for model in (
            keras.Model(inputs, [hidden, last]),
            keras.Model(inputs, [last, hidden]),
        )
    ]
    assert found[0].min() < 0.0 <= found[1].min()


def test_the_key_separates_layer_names_from_arguments():
    def model(activation, dtype="float32"):
        inputs = keras.Input((16, 16, 3))
        layer = keras.layers.Activation(
            activation, name=activation, dtype=dtype
        )
        return keras.Model(inputs, layer(inputs))

    source = toy.source(8)
    kinds = [
        model("relu"),
        model("gelu"),
        model("relu", "mixed_float16"),
        model("relu", "mixed_bfloat16"),
    ]
    keys = {feature_cache.key(kind, None, source, []) for kind in kinds}
    assert len(keys) == 4 and None not in keys


def test_the_key_contains_every_image(tmp_path, network):
    images, labels = toy.pictures(1000)
    key = functools.partial(feature_cache.key, network, None, options=[])
    changed = images.copy()
    changed[1, 0, 0, 0] ^= 1
    sources = [nk.data.from_arrays(i, labels) for i in (images, changed)]
    assert key(source=sources[0]) != key(source=sources[1])
    example.write(str(tmp_path / "pictures"))
    files = nk.data.from_folder(tmp_path / "pictures", image_size=16)
    before = key(source=files)
    # Between those whose pixels are hashed.
    path = os.path.join(files.root, files.paths[3])
    with open(path, "ab") as stream:
        stream.write(b"\0")
    assert key(source=files) != before


def test_layers_that_cannot_be_serialised_are_not_cached(
    source, network, tmp_path
):
    class Applied(keras.layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, images):
            return self.function(images)

    half, third = (
        nk.features.compute(
            source, network, preprocessing=Applied(f), cache=tmp_path
        )
        for f in (lambda x: x / 2, lambda x: x / 3)
    )
    assert np.any(half != third)
    assert not os.listdir(tmp_path)


def test_a_broken_cache_is_computed_again(
    source, network, tmp_path, monkeypatch
):
    first = nk.features.compute(source, network, cache=tmp_path)
    [name] = os.listdir(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:300])
    passes = counted(monkeypatch)
    np.testing.assert_array_equal(
        nk.features.compute(source, network, cache=tmp_path), first
    )
    assert len(passes) == 1
    key = nk.features.Extractor(network).key(source, "none", 0)
    assert feature_cache.read(tmp_path, key, 40) is not None
    assert feature_cache.read(tmp_path, key, 41) is None


def test_files_of_networks_are_hashed_by_their_bytes(
    source, network, tmp_path, monkeypatch
):
    passes = counted(monkeypatch)
    path = tmp_path / "network.keras"
    for count in (1, 1, 2):
        if count == 2:
            other = toy.network()
            other.save(path)
        elif not path.exists():
            network.save(path)
        nk.features.compute(source, path, cache=tmp_path / "kept")
        assert len(passes) == count
