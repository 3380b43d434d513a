"""`fit` as a Keras user knows it, and what differs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.core.training import Position
from noisy_keras.testing import toy


class Toy(nk.NoisyLabelModel):
    """Trains one network on batches of its own phases, and counts traces."""

    loss_names = ("extra",)

    def __init__(self, networks, num_samples, **kwargs):
        super().__init__(networks, num_samples, **kwargs)
        self.traces = []
        self.built = True

    def steps(self):
        return {
            "a": lambda data: self._train("a", data),
            "b": lambda data: self._train("b", data),
        }

    def _train(self, phase, data):
        self.traces.append(phase)
        images = tf.cast(data["images"], tf.float32)
        logits = self.networks[0](images, training=True)["logits"]

        def terms():
            out = self.networks[0](images, training=True)["logits"]
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
                data["label"], out
            )
            return {"extra": tf.reduce_mean(loss)}

        self.descend(0, terms, labels=data["label"], logits=logits)


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.events = []

    def on_train_begin(self, logs=None):
        self.events.append("begin")

    def on_train_end(self, logs=None):
        self.events.append("end")

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(("epoch", epoch, self.params["steps"]))

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(sorted(logs))


def dealt(phase, steps, batch_size=8):
    images, labels = toy.pictures(steps * batch_size)
    fields = {"images": images, "label": labels.astype(np.int32)}
    dataset = tf.data.Dataset.from_tensor_slices(fields)
    dataset = dataset.batch(batch_size, drop_remainder=True)
    return dataset.map(lambda fields: {phase: fields})


@pytest.fixture
def model():
    model = Toy([toy.network()], 8)
    model.compile(nk.MomentumSGD(0.05))
    return model


def test_rounds_of_changing_length_run_whole_under_one_callback_list(model):
    lengths = [(3, 2), (7, 0), (2, 4), (5, 1)]

    def schedule(epoch):
        a, b = lengths[epoch]
        return [dealt("a", a)] + ([dealt("b", b)] if b else [])

    recorder = Recorder()
    history = model.fit(schedule, epochs=4, callbacks=[recorder], verbose=0)
    expected = ["begin"]
    for epoch, (a, b) in enumerate(lengths):
        expected += [("epoch", epoch, a + b), *range(a + b)]
        expected.append(["accuracy", "extra", "loss"])
    assert recorder.events == [*expected, "end"]
    assert len(history.history["loss"]) == 4
    # One trace per phase, however the lengths change.
    assert sorted(model.traces) == ["a", "b"]


def test_metrics_are_means_over_all_rounds_of_an_epoch(model):
    model.optimizer.learning_rate = 0.0
    model.fit(lambda epoch: [dealt("a", 1)], epochs=1, verbose=0)
    whole = model.fit(
        lambda epoch: [dealt("a", 1), dealt("b", 3)], epochs=1, verbose=0
    )
    parts = [
        model.fit(lambda epoch, r=r: [dealt(*r)], epochs=1, verbose=0)
        for r in (("a", 1), ("b", 3))
    ]
    one, three = (p.history["loss"][0] for p in parts)
    assert whole.history["loss"][0] == pytest.approx((one + 3 * three) / 4)


def test_a_dataset_of_a_phase_is_a_schedule_of_one_round(model):
    history = model.fit(dealt("a", 4), epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]


def test_stop_training_ends_after_the_epoch(model):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    history = model.fit(dealt("a", 2), epochs=9, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]


def test_standard_callbacks_work(model, tmp_path):
    images, labels = toy.pictures(16)
    checkpoint = tmp_path / "best.keras"
    history = model.fit(
        dealt("a", 2),
        epochs=3,
        verbose=0,
        validation_data=(images, labels),
        callbacks=[
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.ModelCheckpoint(
                tmp_path / "weights.weights.h5",
                monitor="val_accuracy",
                save_best_only=True,
                save_weights_only=True,
            ),
            keras.callbacks.LearningRateScheduler(lambda e: 0.1 / (e + 1)),
        ],
    )
    del checkpoint
    assert (tmp_path / "weights.weights.h5").exists()
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    np.testing.assert_allclose(
        history.history["learning_rate"], [0.1, 0.05, 0.1 / 3], rtol=1e-6
    )
    assert {"val_loss", "val_accuracy"} <= set(history.history)


def test_position_counts_rounds_and_steps(model):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.position)

    model.fit(
        lambda epoch: [dealt("a", 2), dealt("b", 1)],
        epochs=1,
        callbacks=[Watch()],
        verbose=0,
    )
    assert seen == [Position(0, 0, 1), Position(0, 0, 2), Position(0, 1, 1)]
    assert model.position == Position(1, 0, 0)


def test_steps_per_execution_keeps_every_step(model):
    model.compile(nk.MomentumSGD(0.05), steps_per_execution=2)
    model.fit(dealt("a", 5), epochs=1, verbose=0)
    assert int(model.optimizer.iterations) == 5


def test_a_loss_that_diverges_stops_training(model):
    model.optimizer.learning_rate = 1e30
    with pytest.raises(FloatingPointError, match="in epoch 1: .*diverged"):
        model.fit(dealt("a", 4), epochs=2, verbose=0)


def test_a_loss_that_diverges_is_noticed_within_the_epoch(model):
    model.optimizer.learning_rate = 1e30
    recorder = Recorder()
    with pytest.raises(FloatingPointError):
        model.fit(dealt("a", 60), epochs=1, verbose=0, callbacks=[recorder])
    assert len([e for e in recorder.events if isinstance(e, int)]) < 41


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "at least 1 epoch"),
        ({"epochs": 2, "initial_epoch": 3}, "initial_epoch=3"),
        ({"shuffle": False}, "shuffle=True"),
        ({"class_weight": {0: 1.0}}, "`class_weight` beside batches"),
        ({"sample_weight": [1.0]}, "Expected no `sample_weight`"),
        ({"validation_split": 0.1}, "hold_out"),
    ],
)
def test_arguments_it_cannot_honour_are_told(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.fit(dealt("a", 1), verbose=0, **arguments)


def test_compile_tells_what_it_cannot_use():
    model = Toy([toy.network()], 8)
    with pytest.raises(ValueError, match="has its own"):
        model.compile(loss="mse")
    with pytest.raises(ValueError, match="use_ema"):
        model.compile(keras.optimizers.SGD(0.1, use_ema=True))
    with pytest.raises(ValueError, match="compile"):
        model.fit(dealt("a", 1), verbose=0)


def test_an_endless_round_is_told(model):
    with pytest.raises(ValueError, match="known, finite length"):
        model.fit(dealt("a", 1).repeat(), epochs=1, verbose=0)


def test_networks_that_disagree_are_told():
    with pytest.raises(ValueError, match="agree in image shape"):
        Toy([toy.network(), toy.network(size=8)], 8)
    with pytest.raises(ValueError, match="at least one sample"):
        Toy([toy.network()], 0)


def test_terms_of_other_phases_stay_out_of_the_progress_bar(tmp_path, capsys):
    source = toy.source(16)
    model = nk.DivideMix(toy.network(), source, warmup_epochs=1)
    model.compile(nk.MomentumSGD(0.01))
    log = nk.callbacks.MetricsLog(tmp_path / "m.jsonl")
    history = model.fit(
        source, epochs=1, batch_size=8, verbose=2, callbacks=[log]
    )
    shown = capsys.readouterr().out
    assert "loss_labeled" in shown
    assert "loss_unlabeled" not in shown and "nan" not in shown.lower()
    assert "loss_unlabeled" not in (tmp_path / "m.jsonl").read_text()
    # Keras' loggers take their columns from here.
    assert np.isnan(history.history["loss_unlabeled"]).all()


def test_tools_that_replace_keras_fit_see_no_round(model, monkeypatch):
    calls, recorder = [], Recorder()
    own = keras.Model.fit

    def logged(self, *args, **kwargs):
        calls.append(self)
        return own(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", logged)
    history = model.fit(
        lambda epoch: [dealt("a", 2), dealt("b", 1)],
        epochs=3,
        verbose=0,
        callbacks=[recorder],
    )
    assert not calls
    assert isinstance(history, keras.callbacks.History)
    assert history.epoch == [0, 1, 2] and len(history.history["loss"]) == 3
