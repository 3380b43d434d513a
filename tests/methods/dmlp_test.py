import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.methods.dmlp import run as run_module
from noisy_keras.testing import Killed

CLASSES = 4


def gaussians(count=400, columns=16, distance=0.7, seed=0, classes=CLASSES):
    """Features and classes: spherical clouds around random centres."""
    centres = np.random.RandomState(99).normal(size=(classes, columns))
    random = np.random.RandomState(seed)
    labels = random.randint(0, classes, count)
    labels[:classes] = np.arange(classes)
    features = distance * centres[labels] + random.normal(size=(count, columns))
    return features.astype(np.float32), labels


def as_source(labels, rate=0.6, classes=CLASSES):
    """A source of such labels, some of them drawn anew."""
    random = np.random.RandomState(1)
    anew = random.uniform(size=len(labels)) < rate
    given = np.where(anew, random.randint(0, classes, len(labels)), labels)
    return nk.data.from_arrays(
        np.zeros((len(labels), 2, 2, 1), np.uint8),
        given,
        true_labels=labels,
        class_names=[f"class {c}" for c in range(classes)],
    )


@pytest.fixture(scope="module")
def problem():
    features, labels = gaussians()
    trusted_features, trusted = gaussians(120, seed=5)
    return as_source(labels), features, trusted, trusted_features


def purifier(**options):
    options = {"epochs": 6, "batch_size": 200, "substitute_every": 2} | options
    return nk.LabelPurifier(**options)


def accuracy(source, result):
    return np.mean(result.label == source.true_labels)


def test_labels_are_purified_for_any_method_to_train_on(problem):
    source, features, trusted, trusted_features = problem
    test_features, test = gaussians(300, seed=7)
    seen = []
    result = purifier(epochs=30).fit(
        *problem,
        test=test,
        test_features=test_features,
        verbose=0,
        on_epoch_end=lambda epoch, record: seen.append((epoch, record)),
    )
    before = np.mean(source.labels == source.true_labels)
    assert accuracy(source, result) > before + 0.2
    assert result.noise.rate == pytest.approx(1.0 - before, abs=0.1)
    assert result.held_out_accuracy[result.candidate] == max(
        result.held_out_accuracy.values()
    )
    assert result.labels.shape == (400, CLASSES)
    np.testing.assert_allclose(result.labels.sum(axis=1), 1.0, rtol=1e-5)
    relabelled = source.relabel(result.labels)
    np.testing.assert_array_equal(relabelled.labels, result.label)
    assert set(result.history) == {
        "loss",
        "classifier_loss",
        "held_out_labels",
        "held_out_response",
        "held_out_classifier",
        "test_response",
        "test_classifier",
        "label_accuracy",
    }
    for name, values in result.history.items():
        assert values == [record[name] for _, record in seen]
    predicted = result.predict(test_features).argmax(axis=1)
    assert np.mean(predicted == test) > 0.8
    audit = result.audit(source)
    np.testing.assert_array_equal(audit.suggested_label, result.label)
    np.testing.assert_array_equal(
        audit.clean_probability < 0.5, result.replaced
    )
    assert audit.counts()["suspect"] + audit.counts()["relabelled"] > 50


def test_only_both_corrections_purify():
    features, labels = gaussians(700, 64, 0.3)
    trusted_features, trusted = gaussians(300, 64, 0.3, seed=5)
    source = as_source(labels, rate=0.8)
    both = {"epochs": 40, "batch_size": 350, "substitute_every": 10}
    both |= {"export": "labels", "held_out": 0.0, "classifier_batch_size": 50}
    alone = ({"substitute_every": 0}, {"label_learning_rate": 0.0})
    found = [
        accuracy(
            source,
            purifier(**both | options).fit(
                source, features, trusted, trusted_features, verbose=0
            ),
        )
        for options in ({}, *alone)
    ]
    assert found[0] > max(found[1:]) + 0.1


@pytest.mark.large
@pytest.mark.parametrize(
    ("options", "labels_from", "to"),
    [
        ({}, 0.6, 1.0),
        ({"substitute_every": 0}, 0.0, 0.35),
        ({"label_learning_rate": 0.0}, 0.0, 0.5),
    ],
)
def test_the_toy_of_the_method(options, labels_from, to):
    features, labels = gaussians(3500, 256, 0.2, classes=10)
    trusted_features, trusted = gaussians(1000, 256, 0.2, 5, 10)
    source = as_source(labels, rate=0.8, classes=10)
    result = nk.LabelPurifier(
        batch_size=1750, patience=0, held_out=0.0, export="labels", **options
    ).fit(source, features, trusted, trusted_features, verbose=0)
    assert labels_from <= accuracy(source, result) <= to


def test_good_labels_are_left_alone_where_features_tell_less():
    features, labels = gaussians(distance=0.25)
    trusted_features, trusted = gaussians(120, distance=0.25, seed=5)
    source = as_source(labels, rate=0.1)
    result = purifier(epochs=10).fit(
        source, features, trusted, trusted_features, verbose=0
    )
    before = np.mean(source.labels == source.true_labels)
    assert result.held_out_accuracy["response"] < before - 0.1
    assert accuracy(source, result) > before - 0.02


def test_a_killed_run_ends_in_the_same_numbers(problem, tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "SECONDS_BETWEEN_SAVES", 0.0)
    views = [problem[1], problem[1] * 2.0 + 1.0]
    trusted_views = [problem[3], problem[3] * 2.0 + 1.0]
    data = (problem[0], views, problem[2], trusted_views)
    whole = purifier().fit(*data, verbose=0)

    def kill(epoch, record):
        if epoch == 3:
            raise Killed

    with pytest.raises(Killed):
        purifier().fit(*data, directory=tmp_path, verbose=0, on_epoch_end=kill)
    visited = []
    for _ in range(2):  # The second time there is nothing left to do.
        result = purifier().fit(
            *data,
            directory=tmp_path,
            verbose=0,
            on_epoch_end=lambda epoch, _: visited.append(epoch),
        )
        np.testing.assert_array_equal(result.labels, whole.labels)
        assert result.history == whole.history
        assert result.held_out_accuracy == whole.held_out_accuracy
        np.testing.assert_array_equal(
            result.predict(trusted_views), whole.predict(trusted_views)
        )
    assert visited == [3, 4, 5]
    for options, other, told in (
        ({"epochs": 7}, data, "epochs was 6, now 7"),
        ({}, (data[0].relabel(data[0].true_labels), *data[1:]), "other labels"),
    ):
        with pytest.raises(ValueError, match=told):
            purifier(**options).fit(*other, directory=tmp_path, verbose=0)
    (tmp_path / "purification.npz").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match="cannot be read"):
        purifier().fit(*data, directory=tmp_path, verbose=0)


def test_it_stops_when_nothing_gets_better(problem):
    result = purifier(epochs=40, patience=3).fit(*problem, verbose=0)
    told = np.array(
        [
            result.history[f"held_out_{name}"]
            for name in ("labels", "response", "classifier")
        ]
    )
    assert 4 <= told.shape[1] < 40
    assert told[:, -3:].max() <= told.max()
    assert result.epoch <= told.shape[1] - 1 - 3


def test_results_are_written_whole_and_read_back(problem, tmp_path):
    result = purifier(epochs=2).fit(*problem, verbose=0)
    path = tmp_path / "purified.npz"
    result.save(path)
    loaded = nk.PurifiedLabels.load(path)
    for name in ("labels", "label", "confidence", "given_label", "replaced"):
        np.testing.assert_array_equal(
            getattr(loaded, name), getattr(result, name)
        )
    assert list(loaded.ids) == list(result.ids)
    for name in ("history", "candidate", "class_names", "held_out_accuracy"):
        assert getattr(loaded, name) == getattr(result, name)
    np.testing.assert_allclose(loaded.noise.joint, result.noise.joint)
    np.testing.assert_array_equal(
        loaded.predict(problem[3]), result.predict(problem[3])
    )
    with pytest.raises(ValueError, match="of 1 views with 16 columns"):
        result.predict(problem[3][:, :5])
    with pytest.raises(ValueError, match="ids differ"):
        result.audit(problem[0].subset([1, 2]))
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="Expected purified labels"):
        nk.PurifiedLabels.load(path)
    np.savez(path, x=np.ones(2))
    with pytest.raises(ValueError, match="Expected purified labels"):
        nk.PurifiedLabels.load(path)
