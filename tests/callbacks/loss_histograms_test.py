import keras
import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.callbacks import loss_histograms
from noisy_keras.callbacks import metrics_log
from noisy_keras.core import training
from tests import toy

MIXTURE = {"family": "gaussian", "weights": [0.25, 0.75]}


def a_source(true_labels=None):
    images = np.zeros((4, 8, 8, 3), np.uint8)
    return nk.data.from_arrays(images, [0, 1, 0, 1], true_labels=true_labels)


def test_counts_by_known_truth():
    values = np.array([0.0, 0.019, 1.0, np.nan])
    found = loss_histograms.histogram(a_source([0, 1, 1, 0]), values, MIXTURE)
    right, wrong = found["counts"]["right"], found["counts"]["wrong"]
    assert right[0] == 2 and sum(right) == 2 and len(right) == 50
    assert wrong[-1] == 1 and sum(wrong) == 1  # One has no loss.
    assert "unknown" not in found["counts"]
    assert found["mixture"] == MIXTURE


def test_counts_without_truth():
    found = loss_histograms.histogram(a_source(), np.full(4, 0.5), None)
    assert list(found["counts"]) == ["unknown"] and found["mixture"] is None
    assert found["counts"]["unknown"][25] == 4


def train(model, path, epochs, more=()):
    model.compile(nk.MomentumSGD(0.05))
    source = toy.source(32)
    keep = nk.callbacks.LossHistograms(source, path)
    model.fit(
        source, epochs=epochs, batch_size=8, verbose=0, callbacks=[keep, *more]
    )
    return metrics_log.read(path)


def test_each_division_is_kept_with_its_mixture(tmp_path):
    source = toy.source(32)
    model = nk.DivideMix(toy.network(), 32, loss_history=2)
    keep = nk.callbacks.LossHistograms(source, tmp_path / "h.jsonl")
    keep.set_model(model)
    keep.on_train_begin()
    keep.on_epoch_begin(0)
    keep.on_epoch_end(0)  # Nothing has been divided yet.
    assert not (tmp_path / "h.jsonl").exists()
    # Two networks, now and before; what was before counts as well.
    table = np.random.RandomState(0).uniform(size=(32, 4))
    model.loss_table.assign(table)
    keep.on_epoch_end(1)
    records = metrics_log.read(tmp_path / "h.jsonl")
    assert [(r["epoch"], r["network"]) for r in records] == [(2, 0), (2, 1)]
    divided = (table[:, :2] + table[:, 2:]) / 2
    for record, column in zip(records, divided.T, strict=True):
        counts = np.sum(list(record["counts"].values()), axis=0)
        expected, _ = np.histogram(column, bins=50, range=(0.0, 1.0))
        np.testing.assert_array_equal(counts, expected)
        mixture = nk.mixtures.GaussianMixture().fit(column)
        np.testing.assert_allclose(
            record["mixture"]["means"], mixture.means, rtol=1e-4
        )


def test_epochs_that_are_trained_again_are_dropped(tmp_path):
    path = tmp_path / "h.jsonl"
    old = [{"epoch": e, "network": 0, "old": True} for e in (1, 2, 3)]
    loss_histograms.write(path, old)
    keras.utils.set_random_seed(0)

    class Resumed(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model._resume_from = training.Position(epoch=2)

    model = nk.CrossEntropy(toy.network(), 32)
    records = train(model, path, 3, more=[Resumed()])
    assert [r["epoch"] for r in records] == [1, 2, 3]
    assert [r.get("old", False) for r in records] == [True, True, False]


@pytest.mark.parametrize("family", ["gaussian", "beta"])
def test_methods_with_a_prediction_history_write_histograms(tmp_path, family):
    keras.utils.set_random_seed(0)
    model = {
        "gaussian": lambda: nk.CrossEntropy(toy.network(), 32),
        "beta": lambda: nk.JointOptim(toy.network(), 32, relabel_from=2),
    }[family]()
    [record] = train(model, tmp_path / "h.jsonl", 1)
    assert record["mixture"]["family"] == family
    assert np.sum(list(record["counts"].values())) == 32


def test_a_model_of_other_samples_is_ignored(tmp_path):
    source = toy.source(32)
    part = source.subset(np.arange(16))
    model = nk.CrossEntropy(toy.network(), 16)
    model.compile(nk.MomentumSGD(0.05))
    path = tmp_path / "h.jsonl"
    model.fit(
        part,
        epochs=1,
        batch_size=8,
        verbose=0,
        callbacks=[
            nk.callbacks.LossHistograms(source, path),
            nk.callbacks.Summaries(tmp_path, source),
        ],
    )
    assert not path.exists()
