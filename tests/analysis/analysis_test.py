"""Probes, class maps, scores and pictures on toy networks."""

import keras
import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.analysis import histogram
from noisy_keras.data.sources.mixed_source import MixedSource
from noisy_keras.networks import head
from tests import toy


def colours(count, true_labels=True):
    """Pictures of one of four greys, which is the class; labels off by one."""
    classes = np.arange(count) % toy.CLASSES
    images = np.repeat(60 * classes + 20, 16 * 16 * 3)
    images = images.reshape(count, 16, 16, 3).astype(np.uint8)
    wrong = (classes + 1) % toy.CLASSES
    if not true_labels:
        return nk.data.from_arrays(images, classes)
    return nk.data.from_arrays(images, wrong, true_labels=classes)


def mixed():
    """64 samples: 8 out of distribution, 2 of unknown true label."""
    source = toy.source(64)
    noise = np.random.RandomState(0).randint(0, 255, (8, 16, 16, 3))
    foreign = nk.data.from_arrays(
        noise.astype(np.uint8), np.zeros(8, int), class_names=["x", "y"]
    )
    source = MixedSource(source, foreign, np.arange(8), np.arange(8))
    true_labels = np.array(source.true_labels)
    true_labels[8:10] = -1
    source.true_labels = true_labels
    return source


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    source = mixed()
    model = nk.CrossEntropy(toy.network(8), source.num_samples)
    model.compile(nk.MomentumSGD(0.05))
    model.fit(source, epochs=6, batch_size=16, verbose=0)
    return model, source, nk.analysis.sample_scores(model, source)


def test_separable_features_are_classified_by_true_labels():
    found = nk.analysis.linear_probes(
        [toy.network()], colours(200), colours(40, true_labels=False)
    )
    assert found.labels == "true" and found.judged_labels == "given"
    assert (found.train_samples, found.judged_samples) == (200, 40)
    # The last block's mean is the embedding, and probed once.
    assert [p.depth for p in found.probes] == [
        "stem",
        "block 1",
        "block 2",
        "embedding",
    ]
    # Given labels of the first set would give 0.
    assert [p.accuracy for p in found.probes] == [1.0] * 4
    assert all(p.error == 0.0 and p.converged for p in found.probes)


def test_unknown_truth_leaves_given_labels_of_clean_samples():
    source = colours(80, true_labels=False)
    labels = np.array(source.labels)
    labels[40:] = 3 - labels[40:]
    noisy = source.relabel(labels)
    clean = np.where(np.arange(80) < 40, 0.9, 0.1)
    found = nk.analysis.linear_probes([toy.network()], noisy, source, clean)
    assert (found.labels, found.train_samples) == ("given", 40)
    assert [p.accuracy for p in found.probes] == [1.0] * 4
    with pytest.raises(ValueError, match="Expected `clean_probability`"):
        nk.analysis.linear_probes([toy.network()], noisy, source)
    with pytest.raises(ValueError, match="at least two classes"):
        nk.analysis.linear_probes([toy.network()], noisy, source, 0 * clean)


def test_the_number_of_probed_samples_is_limited():
    found = nk.analysis.linear_probes(
        [toy.network()], colours(120), colours(60), samples=32, most=1
    )
    assert (found.train_samples, found.judged_samples) == (32, 32)
    assert [p.depth for p in found.probes] == ["embedding"]


def test_scores_are_those_of_the_audit(trained):
    model, source, scores = trained
    audit = model.label_audit(source)
    np.testing.assert_array_equal(
        scores.clean_probability, audit.clean_probability
    )
    given = model.predict(source, verbose=0)[np.arange(64), source.labels]
    np.testing.assert_allclose(scores.loss, -np.log(given), rtol=1e-3)
    assert scores.detection.clean_probability.shape == (64,)
    with pytest.raises(ValueError, match="Expected samples as the model"):
        nk.analysis.sample_scores(model, toy.source(32))


def test_class_maps_average_to_logits(trained):
    model, source, _ = trained
    network = model.networks[0]
    index = np.array([0, 9, 20, 33])
    found = nk.analysis.class_maps(network, source, index)
    assert list(found.maps) == ["predicted", "given", "true"]
    # The mean of a map is the logit without its bias.
    logits = network(source.fetch(index))["logits"].numpy()
    bias = network.get_layer("logits").bias.numpy()
    rows = np.arange(4)
    for kind in ("predicted", "given"):
        classes = found.classes[kind]
        np.testing.assert_allclose(
            found.maps[kind].mean(axis=(1, 2)),
            logits[rows, classes] - bias[classes],
            rtol=1e-3,
            atol=1e-4,
        )
    np.testing.assert_array_equal(found.classes["predicted"], logits.argmax(1))
    # One image is out of distribution; the true class of another is unknown.
    assert np.isnan(found.maps["true"][:2]).all()
    assert np.isfinite(found.maps["true"][2:]).all()


def test_networks_without_a_linear_head_have_no_class_maps():
    inputs = keras.Input((16, 16, 3))
    features = keras.layers.Conv2D(4, 3)(inputs)
    embedding = keras.layers.Flatten()(features)
    logits = keras.layers.Dense(4, name="logits")(embedding)
    outputs = dict(
        zip(head.OUTPUTS, (features, embedding, logits), strict=True)
    )
    network = keras.Model(inputs, outputs)
    index = np.arange(2)
    assert nk.analysis.class_maps(network, toy.source(8), index) is None


def test_mislabelled_samples_are_spread_or_most_suspect():
    source = toy.source(64)
    wrong = np.flatnonzero(source.labels != source.true_labels)
    clean = np.linspace(0.0, 1.0, 64)
    assert list(nk.analysis.mislabelled(source, clean, 99)) == list(wrong)
    some = nk.analysis.mislabelled(source, clean, 3)
    assert some[0] == wrong[0] and some[-1] == wrong[-1] and len(some) == 3
    source.true_labels = None
    assert list(nk.analysis.mislabelled(source, clean, 3)) == [0, 1, 2]


def test_pictures_of_all_kinds(trained, tmp_path):
    model, source, scores = trained
    groups = histogram.groups(source)
    assert [int(group.sum()) for group in groups.values()][0] == 2
    assert int(groups["out of distribution"].sum()) == 8
    assert sum(group.astype(int) for group in groups.values()).tolist() == (
        [1] * 64
    )
    found = nk.analysis.class_maps(model.networks[0], source, np.arange(6, 12))
    probed = nk.analysis.linear_probes(model, source, toy.source(32, rate=0))
    path = tmp_path / "picture.png"
    draw = {
        (900, 528): lambda: nk.analysis.draw_histogram(
            path, source, scores.loss, scores.detection, "title"
        ),
        (1000, 390): lambda: nk.analysis.draw_class_maps(path, source, found),
        (600, 500): lambda: nk.analysis.draw_probes(path, probed),
    }
    for size, write in draw.items():
        write()
        with Image.open(path) as picture:
            # Margins are cropped to the drawing.
            np.testing.assert_allclose(picture.size, size, rtol=0.15)
            pixels = np.asarray(picture.convert("RGB"))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
        path.unlink()


@pytest.mark.parametrize("losses", [np.zeros(64), np.full(64, 3.0)])
def test_losses_without_a_mixture_are_drawn(losses, tmp_path):
    from noisy_keras.labels import detection

    found = detection.detect(losses)
    assert found.outcome == "constant"
    nk.analysis.draw_histogram(tmp_path / "h.png", mixed(), losses, found)
    assert (tmp_path / "h.png").stat().st_size > 1000
