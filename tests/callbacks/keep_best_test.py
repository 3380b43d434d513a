import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests import toy


class Scripted(keras.callbacks.Callback):
    """Sets the network's logits at the end of each epoch.

    It stands for training: `right` is the share of validation samples of which
    the network of that epoch is right.
    """

    def __init__(self, right):
        super().__init__()
        self.right = right

    def on_epoch_end(self, epoch, logs=None):
        self.model.now = self.right[epoch]


class Model(nk.CrossEntropy):
    """Predicts a share of the samples right; weights say which epoch it is."""

    now = 0.0

    def predict(self, source, **kwargs):
        count = len(source.labels)
        right = np.arange(count) < round(self.now * count)
        classes = np.where(right, source.labels, (source.labels + 1) % 4)
        return np.eye(4)[classes]


def trained(right, path=None, epochs=None, before=()):
    keras.utils.set_random_seed(0)
    source, validation = toy.source(32), toy.source(200)
    model = Model(toy.network(), source)
    model.compile(nk.MomentumSGD(0.05))
    keep = nk.callbacks.KeepBest(validation, path)
    weights = []

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights.append(model.networks[0].get_weights())

    model.fit(
        source,
        epochs=epochs or len(right),
        batch_size=16,
        verbose=0,
        callbacks=[Scripted(right), Note(), keep, *before],
    )
    return model, keep, weights


def is_of(model, weights):
    mine = model.networks[0].get_weights()
    return all(map(np.array_equal, mine, weights))


@pytest.mark.parametrize(
    ("right", "kept"),
    [
        ((0.5, 0.9, 0.6), 2),  # Clearly better.
        ((0.5, 0.615, 0.6), 3),  # 3 of 200 samples: chance explains that.
        ((0.5, 0.6, 0.7), 3),
        ((0.7,), 1),
    ],
)
def test_an_earlier_epoch_is_kept_where_it_is_clearly_better(right, kept):
    model, keep, weights = trained(right)
    assert keep.kept_epoch == kept
    assert is_of(model, weights[kept - 1])


def test_an_interrupted_run_does_not_lose_its_best_epoch(tmp_path):
    path = tmp_path / "new" / "best.npz"
    _, _, weights = trained((0.9, 0.5), path, epochs=2)
    assert path.exists()
    source, validation = toy.source(32), toy.source(200)
    model = Model(toy.network(), source)
    model.compile(nk.MomentumSGD(0.05))
    keep = nk.callbacks.KeepBest(validation, path)
    model.fit(
        source,
        epochs=3,
        initial_epoch=2,
        batch_size=16,
        verbose=0,
        callbacks=[Scripted((0.0, 0.0, 0.6)), keep],
    )
    assert keep.kept_epoch == 1
    assert is_of(model, weights[0])


def test_tables_are_those_of_the_whole_training():
    model, keep, _ = trained((0.9, 0.5, 0.5))
    assert keep.kept_epoch == 1
    assert (model.label_history.epochs() == 3).all()


def test_both_epochs_can_be_had_where_neither_is_restored():
    keras.utils.set_random_seed(0)
    source, validation = toy.source(32), toy.source(200)
    model = Model(toy.network(), source)
    model.compile(nk.MomentumSGD(0.05))
    keep = nk.callbacks.KeepBest(validation, restore=False)
    weights = []

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights.append(model.networks[0].get_weights())

    model.fit(
        source,
        epochs=3,
        batch_size=16,
        verbose=0,
        callbacks=[Scripted((0.5, 0.9, 0.6)), Note(), keep],
    )
    assert (keep.kept_epoch, keep.best_epoch) == (3, 2)
    assert is_of(model, weights[2])
    for which, number in (("best", 1), ("last", 2)):
        with keep.weights_of(which):
            assert is_of(model, weights[number])
    assert is_of(model, weights[2])
