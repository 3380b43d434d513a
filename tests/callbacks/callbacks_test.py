import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.callbacks import mask_pictures
from noisy_keras.callbacks import metrics_log
from tests import toy
from tests.kills import KillAfter
from tests.kills import Killed


def train(folder, kill_after=None, epochs=3):
    keras.utils.set_random_seed(4)
    source = toy.source(32, rate=0.25)
    model = nk.SANM(
        toy.network(), source, warmup_epochs=1, unlabeled_weight=2.0
    )
    model.compile(nk.MomentumSGD(0.05))
    callbacks = [
        nk.callbacks.LabelQuality(source),
        nk.callbacks.MetricsLog(folder / "metrics.jsonl"),
        nk.callbacks.ResumableCheckpoint(folder / "checkpoints", minutes=0),
    ]
    if kill_after is not None:
        callbacks.append(KillAfter(kill_after))
    history = model.fit(
        source, epochs=epochs, batch_size=8, verbose=0, callbacks=callbacks
    )
    return model, history


@pytest.mark.large
def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    model, _ = train(whole)
    # In the warm-up, then within the second round of the second epoch.
    for batches in (3, 6):
        with pytest.raises(Killed):
            train(parts, kill_after=batches)
    resumed, _ = train(parts)
    for mine, other in zip(model.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())
    records = [
        [
            {k: v for k, v in r.items() if not k.endswith(("nds", "second"))}
            for r in metrics_log.read(folder / "metrics.jsonl")
        ]
        for folder in (whole, parts)
    ]
    assert records[0] == records[1]
    assert [r["epoch"] for r in records[0]] == [1, 2, 3]


@pytest.mark.large
def test_replicas_go_on_from_within_an_epoch(tmp_path, two_replicas):
    """Each has moving statistics of its own, which make MoCo's keys."""
    source = toy.source(64)

    def trained(folder, *callbacks):
        keras.utils.set_random_seed(4)
        with two_replicas.scope():
            model = nk.MoCo(toy.network(), 64, queue_size=32, key_momentum=0.5)
            model.compile(nk.MomentumSGD(0.05))
        keep = nk.callbacks.ResumableCheckpoint(tmp_path / folder, minutes=0)
        options = {"epochs": 2, "batch_size": 16, "verbose": 0}
        model.fit(source, callbacks=[keep, *callbacks], **options)
        return model.get_weights()

    whole = trained("whole")
    with pytest.raises(Killed):
        trained("parts", KillAfter(6))
    for mine, other in zip(whole, trained("parts"), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.large
def test_a_finished_run_trains_no_more(tmp_path):
    train(tmp_path)
    _, history = train(tmp_path)
    assert history.epoch == []
    # More epochs go on from the last.
    _, history = train(tmp_path, epochs=4)
    assert history.epoch == [3]


@pytest.mark.large
def test_a_checkpoint_of_another_model_raises(tmp_path):
    train(tmp_path)
    source = toy.source(32)
    for other in (
        nk.CrossEntropy(toy.network(), 32),
        nk.SANM(toy.network(width=8), source, warmup_epochs=1),
    ):
        other.compile(nk.MomentumSGD(0.05))
        keep = nk.callbacks.ResumableCheckpoint(tmp_path / "checkpoints")
        with pytest.raises(ValueError, match="of this very model"):
            other.fit(
                source, epochs=9, batch_size=8, verbose=0, callbacks=[keep]
            )


def test_records_are_json_without_nan(tmp_path):
    log = nk.callbacks.MetricsLog(tmp_path / "m.jsonl")
    source = toy.source(16)
    model = nk.CrossEntropy(toy.network(), 16)
    model.compile(nk.MomentumSGD(0.01))

    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["strange"] = float("nan")

    model.fit(
        source, epochs=1, batch_size=8, verbose=0, callbacks=[Spoil(), log]
    )
    [line] = (tmp_path / "m.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert record["strange"] is None and record["epoch"] == 1
    assert record["seconds"] > 0 and record["images_per_second"] > 0
    parts = record["division_seconds"] + record["training_seconds"]
    assert 0 < parts <= record["seconds"] + 0.002


def test_pictures_show_what_the_plugin_does(tmp_path):
    source = toy.source(32)
    model = nk.SANM(toy.network(), source, warmup_epochs=0)
    model.compile(nk.MomentumSGD(0.05))
    pictures = nk.callbacks.MaskPictures(source, tmp_path, samples=6)
    model.fit(source, epochs=1, batch_size=8, verbose=0, callbacks=[pictures])
    assert sorted(os.listdir(tmp_path)) == ["masks.npz", "masks_epoch_0001.png"]
    with np.load(tmp_path / "masks.npz", allow_pickle=False) as kept:
        assert kept["panels"].shape == (6, 4, 16, 16, 3)
        assert kept["title"].shape == (6,) and kept["epoch"] == 1
    data = tf.io.read_file(str(tmp_path / "masks_epoch_0001.png"))
    image = tf.io.decode_png(data)
    assert image.shape[0] > 300 and image.shape[1] > 600
    index = np.array([0, 1, 2])
    panels = mask_pictures.panels_of(
        model, model.plugins[0], source, index, np.zeros(3)
    )
    assert panels.shape == (3, 4, 16, 16, 3)
    assert panels[:, :3].min() >= 0.0 and panels.max() <= 1.0
    np.testing.assert_allclose(
        panels[:, 0], source.fetch(index).numpy() / 255.0, rtol=1e-5
    )
    assert np.any(panels[:, 2] != panels[:, 0])


def events_of(folder):
    """What TensorBoard reads there."""
    [name] = os.listdir(folder)
    for record in tf.compat.v1.train.summary_iterator(str(folder / name)):
        yield from record.summary.value


def test_models_without_the_plugin_make_no_pictures(tmp_path):
    source = toy.source(16)
    model = nk.CrossEntropy(toy.network(), 16)
    model.compile(nk.MomentumSGD(0.01))
    model.fit(
        source,
        epochs=1,
        batch_size=8,
        verbose=0,
        callbacks=[
            nk.callbacks.MaskPictures(source, tmp_path / "pictures"),
            nk.callbacks.Summaries(tmp_path / "tensorboard"),
        ],
    )
    assert os.listdir(tmp_path) == ["tensorboard"]
    tags = {value.tag for value in events_of(tmp_path / "tensorboard")}
    assert {"loss", "accuracy", "clean_probability/network_0"} <= tags


def test_weights_and_kept_labels_are_histograms(tmp_path):
    source = toy.source(32, rate=0.5)
    model = nk.IEG(toy.network(), 32, strong_view="weak", mix_trusted=False)
    model.compile(nk.MomentumSGD(0.01))
    show = nk.callbacks.Summaries(tmp_path, source)
    trusted = toy.pictures(8, seed=5)
    model.fit(
        source, trusted=trusted, batch_size=16, verbose=0, callbacks=[show]
    )
    shown = {}
    for value in events_of(tmp_path):
        shown[value.tag] = value
    assert {"sample_weight", "kept", "mean_loss", "probe_loss"} <= set(shown)
    assert "loss_weighted" in shown and "loss_trusted" not in shown
    assert shown["kept"].metadata.plugin_data.plugin_name == "histograms"
    # Rows are [left, right, count] of bins.
    bins = tf.make_ndarray(shown["sample_weight"].tensor)
    assert bins[:, 2].sum() == 32.0
    last = model.sample_weight.numpy()[:, 0]
    assert bins[0, 0] == pytest.approx(last.min())
    assert bins[-1, 1] == pytest.approx(last.max())


def test_noise_is_estimated_when_the_warmup_ends(tmp_path):
    keras.utils.set_random_seed(4)
    source = toy.source(64, rate=0.25)
    model = nk.DivideMix(toy.network(), source.num_samples, warmup_epochs=12)
    model.compile(nk.MomentumSGD(0.05))
    calls = []

    def then(model, found):
        calls.append((model.position.epoch, found.rate))
        model.change(unlabeled_weight=3.0)

    path = tmp_path / "noise_estimate.json"
    estimate = nk.callbacks.EstimateNoise(source, 12, path, then)
    model.fit(source, epochs=13, batch_size=16, verbose=0, callbacks=[estimate])
    assert len(calls) == 1
    wrong = np.mean(source.labels != source.true_labels)
    assert estimate.found.rate == pytest.approx(wrong, abs=0.1)
    assert model.unlabeled_weight == 3.0
    assert model.get_config()["unlabeled_weight"] == 3.0
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["epoch"] == 12
    np.testing.assert_allclose(record["joint"], estimate.found.joint)
    # A run that goes on takes the estimate that was made.
    again = nk.callbacks.EstimateNoise(source, 12, path, then)
    again.set_model(model)
    again.on_train_begin()
    assert again.found.rate == pytest.approx(estimate.found.rate)
    assert len(calls) == 2


def test_an_estimate_needs_a_warmup():
    with pytest.raises(ValueError, match="warmup_epochs=0"):
        nk.callbacks.EstimateNoise(toy.source(), 0)


def test_a_checkpoint_of_the_first_version_is_resumed(tmp_path, monkeypatch):
    def fit(callback, epochs):
        keras.utils.set_random_seed(0)
        model = nk.CrossEntropy(toy.network(), 32)
        model.compile(nk.MomentumSGD(0.1))
        model.fit(
            source,
            epochs=epochs,
            batch_size=16,
            callbacks=[callback],
            verbose=0,
        )
        return model

    source = toy.source(32)
    kind = nk.callbacks.ResumableCheckpoint
    whole = fit(kind(tmp_path / "whole"), 3)

    class First(kind):
        """It had nothing but the model's variables and the position."""

        def _progress(self):
            self._noted = None
            return {}

    fit(First(tmp_path / "first"), 2)
    later = fit(kind(tmp_path / "first"), 3)
    for one, other in zip(later.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    # What it had noted is gone; what is noted from here on is kept.
    again = fit(kind(tmp_path / "whole"), 3)
    np.testing.assert_array_equal(
        again.prediction_history.progress, whole.prediction_history.progress
    )
    assert len(whole.prediction_history.progress)
