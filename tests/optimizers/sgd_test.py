import keras
import numpy as np
import pytest
import tensorflow as tf

from noisy_keras import MomentumSGD


def run(optimizer, rates, gradients, start=1.0):
    variable = keras.Variable([start])
    values = []
    for rate, gradient in zip(rates, gradients, strict=True):
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant([gradient])], [variable])
        values.append(float(variable[0]))
    return values


def test_momentum_and_decay_by_hand():
    optimizer = MomentumSGD(0.1, momentum=0.5, weight_decay=0.1)
    # m1 = 1 + 0.1 * 1 = 1.1, w1 = 1 - 0.11 = 0.89
    # m2 = 0.55 + 2 + 0.089 = 2.639, w2 = 0.89 - 0.2639 = 0.6261
    values = run(optimizer, [0.1, 0.1], [1.0, 2.0])
    np.testing.assert_allclose(values, [0.89, 0.6261], rtol=1e-6)
    np.testing.assert_allclose(optimizer.momentum_buffer[0], [2.639], rtol=1e-6)


def test_a_lower_rate_takes_effect_at_once():
    # Keras' own SGD would still move by the old rate's momentum.
    values = run(MomentumSGD(0.1, momentum=0.9), [0.1, 0.0], [1.0, 1.0])
    assert values[1] == values[0]


def test_nesterov_looks_ahead():
    values = run(
        MomentumSGD(0.1, momentum=0.5, nesterov=True), [0.1], [1.0], start=0.0
    )
    # m = 1; the step is 1 + 0.5 * 1.
    np.testing.assert_allclose(values, [-0.15], rtol=1e-6)


def test_excluded_variables_do_not_decay():
    optimizer = MomentumSGD(0.1, momentum=0.0, weight_decay=1.0)
    decayed = keras.Variable([1.0], name="kernel")
    spared = keras.Variable([1.0], name="bias")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    zero = tf.constant([0.0])
    optimizer.apply([zero, zero], [decayed, spared])
    np.testing.assert_allclose(decayed, [0.9])
    np.testing.assert_allclose(spared, [1.0])


def test_configuration_round_trip():
    config = MomentumSGD(0.3, 0.8, 1e-3, nesterov=True).get_config()
    copy = MomentumSGD.from_config(config)
    assert copy.get_config() == config
    assert copy.coupled_weight_decay == 1e-3


@pytest.mark.parametrize(
    "options", [{"momentum": 1.0}, {"momentum": -0.1}, {"weight_decay": -1e-4}]
)
def test_bad_arguments_raise(options):
    with pytest.raises(ValueError, match="momentum in"):
        MomentumSGD(0.1, **options)
