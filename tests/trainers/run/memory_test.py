import types

import keras
import pytest
import tensorflow as tf

from tests import toy
from trainers import UsageError
from trainers.run import memory


def run(batch_size=8):
    network = toy.network()
    return types.SimpleNamespace(
        model=types.SimpleNamespace(networks=[network]),
        settings=types.SimpleNamespace(training={"batch_size": batch_size}),
        strategy=tf.distribute.get_strategy(),
    )


def test_the_outputs_of_layers_are_counted():
    images = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(5, 1)(images)
    inner = keras.Sequential([keras.Input((4, 4, 5)), keras.layers.Flatten()])
    model = keras.Model(images, keras.layers.Dense(2)(inner(x)))
    # The input, the convolution, the inner model with its layer, the last.
    found = memory.outputs_of(model)
    assert found >= 48 + 80 + 80 + 2
    assert found <= 48 + 80 + 3 * 80 + 2


def test_what_fits_is_let_through():
    memory.check(run())


def test_what_cannot_fit_is_a_line(monkeypatch):
    monkeypatch.setattr(memory, "_memory", lambda: 2**20)
    with pytest.raises(UsageError, match="--network: .*0.0 GiB of memory"):
        memory.check(run(batch_size=1000))
    monkeypatch.setattr(memory, "_memory", lambda: None)
    memory.check(run(batch_size=1000))
