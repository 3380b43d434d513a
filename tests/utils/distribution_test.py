"""Several processes train as one."""

import json
import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.utils import distribution
from tests import cluster
from tests import toy

ROOT = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)


@pytest.mark.large
@pytest.mark.parametrize("method", ["cross_entropy", "sanm", "ieg"])
def test_two_workers_train_as_one(tmp_path, method):
    cluster.run(
        [
            [
                sys.executable,
                "-m",
                "tests.core.multi_worker",
                str(tmp_path / f"worker_{number}"),
                method,
            ]
            for number in range(2)
        ],
        timeout=300,
        cwd=ROOT,
    )
    first, second = (
        np.load(tmp_path / f"worker_{number}.npz") for number in range(2)
    )
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    history = json.loads(str(first["history"]))
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    assert {"accuracy", "val_accuracy", "val_loss"} <= set(history)


def test_without_a_strategy_nothing_is_gathered():
    tensor = tf.constant([1, 2])
    assert distribution.all_gather(tensor) is tensor
    assert distribution.num_replicas() == 1
    assert distribution.is_chief()
    assert not distribution.is_multi_worker(tf.distribute.get_strategy())


def test_the_loss_is_a_mean_over_the_global_batch(two_replicas):
    """Two replicas take the step that one takes on the whole batch."""
    source = toy.source(32)
    results, weights = [], None
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            network = toy.network()
            # Batch statistics are per replica, and would differ.
            for layer in network.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.trainable = False
            model = nk.CrossEntropy(network, 32, view="none")
            model.compile(nk.MomentumSGD(0.1))
        weights = weights or model.get_weights()
        model.set_weights(weights)
        history = model.fit(source, epochs=2, batch_size=16, verbose=0)
        results.append((model.get_weights(), history.history))
    (one, one_history), (two, two_history) = results
    for mine, other in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
    for name in one_history:
        np.testing.assert_allclose(
            one_history[name], two_history[name], rtol=1e-4
        )
