"""Models of features joined with the encoder that made these."""

import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests import toy

COUNT = 48


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(1)
    source = toy.source(COUNT)
    return nk.networks.build("tiny", source, width=4)


@pytest.fixture(scope="module")
def images():
    return toy.source(COUNT, rate=0.3)


@pytest.fixture(scope="module")
def features(images, encoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("features") / "all.npz"
    return nk.features.encoded({"train": images}, encoder, path)["train"]


def test_features_are_those_of_the_encoder(images, encoder, features):
    expected = nk.features.compute(images, encoder)
    np.testing.assert_allclose(
        features.fetch(np.arange(COUNT)), expected, rtol=2e-3, atol=1e-4
    )
    for name in ("labels", "true_labels", "ids"):
        np.testing.assert_array_equal(
            getattr(features, name), getattr(images, name)
        )
    assert features.noise == images.noise
    part = features.subset([5, 3])
    assert list(part.images.ids) == list(part.ids) == list(images.ids[[5, 3]])


def trained(name, features, **options):
    network = nk.networks.build("mlp", features, width=8)
    model = getattr(nk, name)(network, features, **options)
    model.compile(nk.MomentumSGD(0.05))
    inputs = {}
    if name in ("IEG", "MLC"):
        inputs = {"trusted": features.subset(np.arange(8))}
    model.fit(
        features,
        epochs=1,
        batch_size=16,
        steps_per_epoch=1,
        verbose=0,
        **inputs,
    )
    return model


@pytest.mark.parametrize(
    "name",
    [
        "ELR",
        pytest.param("DivideMix", marks=pytest.mark.large),
        pytest.param("IEG", marks=pytest.mark.large),
        pytest.param("MLC", marks=pytest.mark.large),
    ],
)
def test_images_are_predicted_as_their_features(
    name, images, encoder, features, tmp_path
):
    model = trained(name, features)
    joined = nk.features.with_encoder(model, encoder, images)
    expected = model.predict(features, verbose=0)
    found = joined.predict(images, verbose=0)
    # Features are kept in 16 bits.
    np.testing.assert_allclose(found, expected, atol=5e-3)
    first, second = (
        one.label_audit(source).clean_probability
        for one, source in ((model, features), (joined, images))
    )
    np.testing.assert_allclose(first, second, atol=5e-3)
    joined.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0), found, atol=1e-6
    )
    again = loaded.label_audit(images).clean_probability
    np.testing.assert_allclose(again, second, atol=1e-6)


def test_the_model_is_not_changed_and_the_encoder_is_frozen(
    images, encoder, features
):
    model = trained("CrossEntropy", features)
    weights = model.get_weights() + encoder.get_weights()
    joined = nk.features.with_encoder(model, encoder, images)
    before = [w.numpy() for w in joined.networks[0].non_trainable_weights]
    assert len(joined.networks[0].trainable_weights) == 8
    joined.fit(images, epochs=1, batch_size=16, verbose=0)
    after = [w.numpy() for w in joined.networks[0].non_trainable_weights]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    now = model.get_weights() + encoder.get_weights()
    for old, new in zip(weights, now, strict=True):
        np.testing.assert_array_equal(old, new)


def test_other_encoders_and_sources_are_refused(images, encoder, features):
    model = trained("CrossEntropy", features)
    other = nk.networks.build("tiny", images, width=6)
    with pytest.raises(nk.ConfigurationError, match="24 columns.*16"):
        nk.features.with_encoder(model, other, images)
    with pytest.raises(nk.ConfigurationError, match="samples"):
        nk.features.with_encoder(model, encoder, images.subset([0, 1, 2]))


def test_a_file_of_other_samples_is_refused(images, encoder, tmp_path):
    path = tmp_path / "f.npz"
    some = images.subset(np.arange(6))
    given = {"train": some, "validation": None}
    found = nk.features.encoded(given, encoder, path)
    assert found["validation"] is None and len(found["train"]) == 6
    made = path.stat().st_mtime_ns
    nk.features.encoded(given, encoder, path)
    assert path.stat().st_mtime_ns == made
    with pytest.raises(nk.ConfigurationError, match="a file of others"):
        nk.features.encoded({"train": some.subset([0])}, encoder, path)
