"""Agreement of labels with their neighbours, by hand and in DivideMix."""

import json
import math
import os
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.callbacks import loss_overlap
from noisy_keras.labels import agreement
from noisy_keras.labels import division
from noisy_keras.labels import measuring
from noisy_keras.labels.quality import label_quality
from noisy_keras.mixtures import BetaMixture
from noisy_keras.mixtures import GaussianMixture
from noisy_keras.testing import toy
from tests import commands


def binomial(trials, least):
    """P(X >= least) for X of `trials` tosses of a coin."""
    ways = sum(math.comb(trials, k) for k in range(least, trials + 1))
    return ways / 2.0**trials


def line(*values):
    """Vectors on a circle, whose nearest are those of the nearest angle."""
    angles = np.array(values, np.float32)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


SCALE = (np.zeros(2), np.ones(2))


def test_agreement_of_known_neighbours():
    """P(Beta(1 + a, 1 + b) > 1/2) is that of at most a in a + b + 1 tosses."""
    features = line(0.0, 1e-4, 2e-4, 3.0, 3.0001, 3.0002)
    labels = np.array([0, 0, 1, 1, 1, 1])
    found = agreement.by_neighbors(features, labels, 2, 2, scale=SCALE)
    # Of the two neighbours of samples 0 and 1, one has their label; of
    # sample 2, none; of samples 3 to 5, both.
    both = binomial(3, 1)
    assert both == 7 / 8
    np.testing.assert_allclose(
        found, [0.5, 0.5, 1.0 - both, both, both, both], atol=1e-4
    )


def test_only_the_strongest_rival_counts():
    features = line(*np.linspace(0.0, 1e-4, 6))
    labels = np.array([0, 0, 0, 1, 1, 2])
    found = agreement.by_neighbors(features, labels, 3, 5, scale=SCALE)
    # Sample 5, of class 2: no vote against 3 of class 0. Sample 0: 2 against
    # 2 of class 1. Sample 3: 1 against 3.
    np.testing.assert_allclose(
        found[[5, 0, 3]],
        [1.0 - binomial(4, 1), 0.5, 1.0 - binomial(5, 2)],
        atol=1e-3,
    )


def test_similar_neighbours_weigh_more_and_count_for_fewer():
    features = line(0.0, 0.0, 1.0)
    labels = np.array([0, 0, 1])
    found = agreement.by_neighbors(features, labels, 2, 2, scale=SCALE)
    near, far = np.exp(1.0 / 0.2), np.exp(np.cos(1.0) / 0.2)
    share = near / (near + far)
    count = 1.0 / (share**2 + (1.0 - share) ** 2)
    expected = 1.0 - tf.math.betainc(
        1.0 + count * share, 1.0 + count * (1.0 - share), 0.5
    )
    assert found[0] == pytest.approx(float(expected), abs=1e-5)
    assert 0.5 < found[0] < binomial(3, 1)


def test_columns_of_any_scale_and_chunks_of_any_size_agree(monkeypatch):
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, 130)
    features = np.eye(3)[labels] + 0.3 * random.normal(size=(130, 3))
    labels[:20] = random.randint(0, 3, 20)
    found = agreement.by_neighbors(features, labels, 3)
    scaled = agreement.by_neighbors(features * [1.0, 1e3, 1e-3] + 5, labels, 3)
    np.testing.assert_allclose(scaled, found, atol=5e-3)
    monkeypatch.setattr(agreement, "_CHUNK", 17)
    read = []

    def rows(index):
        read.append(len(index))
        return features[index]

    chunked = agreement.by_neighbors(rows, labels, 3)
    np.testing.assert_allclose(chunked, found, atol=1e-5)
    # The samples that vote, and then never more than a chunk.
    assert read[0] == 130 and max(read[1:]) == 17 and sum(read[1:]) == 130
    assert ((found >= 0.0) & (found <= 1.0)).all()


def test_some_samples_vote_where_there_are_many():
    features = line(*([0.0] * 10 + [3.0] * 10))
    labels = np.repeat([0, 1], 10)
    labels[5] = 1
    found = agreement.by_neighbors(features, labels, 2, 3, SCALE, most=10)
    assert found[5] < 0.5 and (np.delete(found, 5) > 0.5).all()
    with pytest.raises(ValueError, match="vote, 10. Received: neighbors=10"):
        agreement.by_neighbors(features, labels, 2, 10, SCALE, most=10)


def test_combined_odds_are_the_geometric_mean():
    # Odds of 9 and 4: their geometric mean is 6.
    assert agreement.combined(
        np.array([0.9]), np.array([0.8])
    ) == pytest.approx(6 / 7)
    # Bounded to 0.01 and 0.99, the certain ones are of equal weight.
    mixed = agreement.combined(np.array([0.0, 1.0, 0.0]), np.array([1, 1, 0.7]))
    odds = math.sqrt(1 / 99 * 7 / 3)
    np.testing.assert_allclose(mixed, [0.5, 0.99, odds / (1 + odds)], rtol=1e-5)


@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0])
def test_overlap_of_two_gaussians(apart):
    found = division.overlap(
        {
            "family": "gaussian",
            "weights": [0.5, 0.5],
            "means": [0.1, 0.1 + 0.2 * apart],
            "variances": [0.04, 0.04],
        }
    )
    # 2 Phi(-d / 2) = 1 - erf(d / sqrt(8)).
    assert found == pytest.approx(1 - math.erf(apart / math.sqrt(8)), abs=1e-3)


def test_overlap_is_relative_to_the_smaller_weight():
    """A narrow component within a wide one of four times its weight."""
    one = {
        "family": "gaussian",
        "weights": [0.2, 0.8],
        "means": [0.0, 0.0],
        "variances": [1e-2, 1.0],
    }
    x = np.linspace(-8, 8, 1_600_001)
    first = 0.2 * np.exp(-(x**2) / 2e-2) / math.sqrt(2e-2 * math.pi)
    second = 0.8 * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    shared = np.minimum(first, second).sum() * 1e-5
    assert division.overlap(one) == pytest.approx(shared / 0.2, abs=1e-3)
    assert division.overlap(None) == 1.0


def test_overlap_of_fitted_mixtures():
    random = np.random.RandomState(0)
    apart = np.concatenate(
        [random.normal(0.2, 0.03, 500), random.normal(0.8, 0.03, 500)]
    )
    alike = random.normal(0.5, 0.1, 1000)
    for mixture in (GaussianMixture(), BetaMixture()):
        clear, unclear = (
            division.overlap(division.describe(mixture.fit(values)))
            for values in (apart, alike)
        )
        assert clear < 0.01 and unclear > 0.3


def test_each_network_divides_by_its_own_embedding():
    source = toy.source(32)
    model = nk.DivideMix(
        toy.network(), source.num_samples, division="agreement"
    )
    model.compile()
    model.co_divide(source)
    measured = measuring.measure(model, source, embed=True)
    images = tf.cast(source.fetch(np.arange(32)), tf.float32)
    found = model.clean_probability.numpy()
    for network, embedding, column in zip(
        model.networks, measured.embeddings, found.T, strict=True
    ):
        expected = network(images)["embedding"].numpy()
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(embedding, expected, atol=2e-3)
        np.testing.assert_allclose(
            agreement.by_neighbors(
                embedding, source.labels, source.num_classes
            ),
            column,
            atol=1e-6,
        )
    # The audit judges likewise, and measures what it was not given.
    for given in (measured, measured._replace(embeddings=())):
        clean = model.audit_strategy.clean_probability(model, source, given)
        np.testing.assert_allclose(clean, found.mean(axis=1), atol=1e-6)


CENTERS = np.random.RandomState(3).normal(size=(4, 16)) * 1.5
# Classes 2 and 3 are close to each other.
CENTERS[3] = CENTERS[2] + 1.0


@pytest.fixture(scope="module")
def source():
    random = np.random.RandomState(0)
    labels = random.randint(0, 4, 800)
    features = CENTERS[labels] + random.normal(size=(800, 16))
    source = nk.data.from_features(features.astype(np.float32), labels)
    noise = nk.data.AsymmetricNoise(
        0.4, seed=0, convention="per_class", mapping={2: 3, 3: 2}
    )
    return source.with_noise(noise)


def trained(source, kind, epochs=4, **options):
    keras.utils.set_random_seed(0)
    options.setdefault("warmup_epochs", 1)
    model = nk.DivideMix(
        "linear", source, unlabeled_weight=0.0, division=kind, **options
    )
    model.compile(nk.MomentumSGD(0.05, momentum=0.9))
    model.fit(source, epochs=epochs, batch_size=50, verbose=0)
    clean = model.clean_probability.numpy()
    assert ((clean >= 0.0) & (clean <= 1.0)).all()
    return model, label_quality(source, clean.mean(axis=1))["label_auc"]


@pytest.mark.large
def test_dividemix_divides_features_by_agreement(source):
    model, auc = trained(source, "agreement")
    # Two similar classes exchange 40 % of their labels: chance is 0.5, and the
    # wrong labels are at most as frequent as the right ones around.
    assert auc > 0.9
    clean = model.clean_probability.numpy()
    np.testing.assert_array_equal(clean[:, 0], clean[:, 1])
    np.testing.assert_array_equal(clean[:, 0], agreement.of_source(source))
    accuracy = np.mean(
        model.predict(source, verbose=0).argmax(axis=1) == source.true_labels
    )
    assert accuracy > 0.85


@pytest.mark.large
def test_both_is_the_pool_of_both(source):
    model, auc = trained(source, "both", epochs=2)
    loss = model._history.mean()
    by_loss = division.LossDivision()(loss, np.ones_like(loss))
    agreed = agreement.of_source(source)
    np.testing.assert_allclose(
        model.clean_probability.numpy(),
        agreement.combined(by_loss, np.stack([agreed] * 2, 1)),
        atol=1e-5,
    )
    assert auc > 0.8


@pytest.mark.large
def test_the_history_of_predictions_is_revised_by_agreement(source):
    """With `warmup_epochs="auto"` the history stands in for the losses."""
    clean = {}
    for kind in ("loss", "agreement"):
        model, _ = trained(source, kind, epochs=6, warmup_epochs="auto")
        clean[kind] = model.clean_probability.numpy()[:, 0]
    agreed = agreement.of_source(source)
    order = [np.corrcoef(agreed, c)[0, 1] for c in clean.values()]
    assert order[1] > max(order[0], 0.9)


class Model(types.SimpleNamespace):
    num_samples, division = 4, "auto"


def test_losses_that_cannot_tell_are_named_once(monkeypatch):
    found = []
    mixture = {
        "family": "gaussian",
        "weights": [0.5, 0.5],
        "means": [0.5, 0.6],
        "variances": [0.04, 0.04],
    }
    clear = mixture | {"means": [0.0, 4.0]}
    now = [mixture]
    monkeypatch.setattr(
        loss_overlap.audits,
        "loss_divisions",
        lambda model, source: [(np.zeros(4), m) for m in now],
    )

    def after(divisions, kind="auto"):
        callback = loss_overlap.LossOverlap(range(4), found.append)
        callback.set_model(Model(division=kind))
        found.clear()
        for number, one in enumerate(divisions):
            now[:] = one
            logs = {}
            callback.on_epoch_end(number, logs)
        return logs, list(found)

    unclear = 1 - math.erf(0.5 / math.sqrt(8))  # 0.80.
    logs, said = after([[mixture]] * 5)
    assert logs["loss_overlap"] == pytest.approx(unclear, abs=1e-3)
    [one] = said
    assert "overlap by 80% (above 25%" in one
    assert "--division=agreement" in one
    # The mean over networks counts.
    logs, said = after([[mixture, clear]])
    assert logs["loss_overlap"] == pytest.approx(unclear / 2, abs=1e-3)
    assert after([[mixture], [mixture], [clear]] * 3)[1] == []
    assert after([[mixture]] * 5, kind="both")[1] == []
    assert after([[]])[0] == {}
    callback = loss_overlap.LossOverlap(range(4))
    callback.set_model(types.SimpleNamespace(num_samples=4))
    now[:] = [mixture]
    callback.on_epoch_end(0, logs := {})
    assert logs == {}


@pytest.mark.large
def test_a_run_records_the_overlap(tmp_path):
    random = np.random.RandomState(0)
    labels = random.randint(0, 3, 120)
    features = np.eye(3)[labels] + 0.2 * random.normal(size=(120, 3))
    path = tmp_path / "data.npz"
    np.savez(path, features=features, labels=labels)
    folder = os.fspath(tmp_path / "run")
    commands.train(
        "dividemix",
        f"--dataset=features:{path}",
        "--noise_type=symmetric",
        "--noise_rate=0.3",
        "--epochs=3",
        "--warmup_epochs=1",
        "--division=both",
        f"--output_dir={folder}",
    )
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
        records = [json.loads(row) for row in file]
    assert "loss_overlap" not in records[0]
    for record in records[1:]:
        assert 0.0 <= record["loss_overlap"] <= 1.0
