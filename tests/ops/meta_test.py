import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.ops import losses
from noisy_keras.ops import meta

PARITY = os.path.join(os.path.dirname(__file__), "../parity/ieg_meta_step.npz")
EXACT = [m for m in meta.METHODS if m != "differences"]


def two_layers(parameters, images):
    w1, b1, w2, b2 = parameters
    return tf.nn.relu(images @ w1 + b1) @ w2 + b2


@pytest.fixture(scope="module")
def reference():
    data = np.load(PARITY)
    names = ("w1", "b1", "w2", "b2")
    as_float = {
        k: tf.constant(data[k], tf.float32)
        for k in data.files
        if data[k].dtype.kind == "f"
    }
    return {
        **as_float,
        "parameters": [as_float[n] for n in names],
        "accumulators": [as_float[f"m_{n}"] for n in names],
        "targets": tf.one_hot(data["labels"], 4),
        "probe_targets": tf.one_hot(data["probe_labels"], 4),
        "numbers": data,
    }


def gradients_of(data, method, with_momentum):
    return meta.meta_gradients(
        two_layers,
        data["parameters"],
        data["images"],
        data["targets"],
        data["pseudo_labels"],
        data["probe_images"],
        data["probe_targets"],
        step_size=float(data["step_size"]),
        accumulators=data["accumulators"] if with_momentum else None,
        momentum=float(data["momentum"]),
        lambda_0=float(data["lambda_0"]),
        method=method,
    )


@pytest.mark.parametrize("method", meta.METHODS)
@pytest.mark.parametrize("kind", ["plain", "momentum"])
def test_the_reference_numbers(reference, kind, method):
    found = gradients_of(reference, method, kind == "momentum")
    tolerance = 5e-3 if method == "differences" else 1e-4
    for name, value in zip(("omega", "lambda"), found, strict=True):
        expected = reference["numbers"][f"{kind}_grad_{name}"]
        np.testing.assert_allclose(
            value, expected, atol=tolerance * np.abs(expected).max()
        )
    if method in EXACT:
        weights = meta.sample_weights(found[0])
        np.testing.assert_allclose(
            weights, reference["numbers"][f"{kind}_weights"], atol=1e-4
        )
        np.testing.assert_array_equal(
            meta.keep_label(found[1]), reference["numbers"][f"{kind}_relabel"]
        )


def test_one_weight_by_hand():
    # Logits (w x, 0); one sample x = 1 of class 0, one probe x = 2 of class 1.
    # At w = 0 all probabilities are 1/2. The step on l = log(1 + e^-w) has
    # slope -1/2, so w' = 0.1 * 0.5 = 0.05. The probe loss log(1 + e^2w) has
    # the slope v = 2 sigmoid(0.1) = 1.04995837... there. The gradient to
    # omega is -0.1 * v * (-1/2) = 0.05249792.
    def forward(parameters, images):
        z = parameters[0] * images
        return tf.concat([z, tf.zeros_like(z)], axis=1)

    for method in EXACT:
        omega, lambda_ = meta.meta_gradients(
            forward,
            [tf.constant([[0.0]])],
            tf.constant([[1.0]]),
            tf.constant([[1.0, 0.0]]),
            tf.constant([[0.0, 1.0]]),
            tf.constant([[2.0]]),
            tf.constant([[0.0, 1.0]]),
            lambda_0=1.0,
            method=method,
        )
        assert float(omega[0]) == pytest.approx(0.05249792, rel=1e-5)
        # l falls by log p_1 - log p_0 per lambda, whose slope in w is -1:
        # -0.1 * v * (-1) = 0.1049958.
        assert float(lambda_[0]) == pytest.approx(0.10499584, rel=1e-5)


def network_step(method, jit_compile=False):
    """Meta-gradients on a network with batch normalisation."""
    network = nk.networks.build(
        "tiny", image_shape=(16, 16, 3), num_classes=5, width=4
    )
    random = np.random.RandomState(3)
    for variable in network.trainable_variables:
        variable.assign(random.normal(0.0, 0.2, variable.shape) + 0.1)
    moving = [v.numpy() for v in network.non_trainable_variables]
    state = [v.value for v in network.non_trainable_variables]

    def forward(parameters, images):
        outputs, _ = network.stateless_call(
            parameters, state, images, training=True
        )
        return outputs["logits"]

    images = random.uniform(0, 255, (2, 12, 16, 16, 3)).astype(np.float32)
    labels = np.eye(5, dtype=np.float32)[random.randint(0, 5, (2, 12))]
    guesses = random.dirichlet(np.ones(5), 12).astype(np.float32)
    accumulators = [
        tf.constant(random.normal(0.0, 0.01, v.shape), tf.float32)
        for v in network.trainable_variables
    ]

    @tf.function(jit_compile=jit_compile)
    def step():
        return meta.meta_gradients(
            forward,
            [tf.convert_to_tensor(v.value) for v in network.trainable_weights],
            images[0],
            labels[0],
            guesses,
            images[1],
            labels[1],
            accumulators=accumulators,
            weight_decay=1e-3,
            method=method,
        )

    found = [gradient.numpy() for gradient in step()]
    for before, variable in zip(
        moving, network.non_trainable_variables, strict=True
    ):
        np.testing.assert_array_equal(before, variable.numpy())
    return found


@pytest.fixture(scope="module")
def nested():
    return network_step("nested")


@pytest.mark.parametrize(
    "method, jit_compile",
    [
        ("double_reverse", False),
        pytest.param("double_reverse", True, marks=pytest.mark.large),
        ("forward", False),
        pytest.param("forward", True, marks=pytest.mark.large),
        ("differences", False),
    ],
)
def test_all_methods_agree_on_a_normalised_network(nested, method, jit_compile):
    tolerance = 3e-2 if method == "differences" else 1e-4
    for mine, other in zip(
        network_step(method, jit_compile), nested, strict=True
    ):
        assert np.abs(other).max() > 1e-4
        np.testing.assert_allclose(
            mine, other, atol=tolerance * np.abs(other).max()
        )


@pytest.mark.parametrize("method", meta.METHODS)
def test_parameters_may_be_variables(reference, method):
    expected = gradients_of(reference, method, True)
    variables = [keras.Variable(w) for w in reference["parameters"]]
    slots = [keras.Variable(m) for m in reference["accumulators"]]
    given = {**reference, "parameters": variables, "accumulators": slots}
    for mine, other in zip(
        gradients_of(given, method, True), expected, strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


@pytest.mark.parametrize("method", meta.METHODS)
def test_batches_may_be_of_unknown_size(reference, method):
    expected = gradients_of(reference, method, True)
    names = ("images", "targets", "pseudo_labels")
    loose = [
        tf.TensorSpec([None, *reference[n].shape[1:]], tf.float32)
        for n in names
    ]

    @tf.function(input_signature=loose)
    def traced(*batch):
        given = reference | dict(zip(names, batch, strict=True))
        return gradients_of(given, method, True)

    found = traced(*(reference[n] for n in names))
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)


def test_lookahead_has_momentum_and_decay():
    [ahead] = meta.lookahead(
        [tf.constant([1.0])],
        [tf.constant([2.0])],
        step_size=0.1,
        accumulators=[tf.constant([3.0])],
        momentum=0.5,
        weight_decay=0.25,
    )
    # 1 - 0.1 (0.5 * 3 + 2 + 0.25 * 1) = 0.625
    np.testing.assert_allclose(ahead, [0.625])
    one, two = meta.lookahead(
        [tf.constant([1.0])] * 2, [None, None], weight_decay=[0.0, 1.0]
    )
    np.testing.assert_allclose((one[0], two[0]), (1.0, 0.9))


def test_decay_of_the_probe_moves_the_direction_and_not_the_loss():
    values = [
        meta.probe_gradient(
            lambda p, x: x @ p[0],
            [tf.constant([[2.0, 0.0]])],
            tf.constant([[0.0]]),
            tf.constant([[1.0, 0.0]]),
            decay,
        )
        for decay in (0.0, 0.5)
    ]
    assert float(values[0][0]) == pytest.approx(np.log(2.0))
    assert float(values[1][0]) == pytest.approx(np.log(2.0))
    np.testing.assert_allclose(values[0][1][0], [[0.0, 0.0]])
    np.testing.assert_allclose(values[1][1][0], [[1.0, 0.0]])


def test_weights_are_positive_where_the_loss_falls():
    weights = meta.sample_weights(tf.constant([-3.0, 1.0, -1.0, 0.0]))
    # The 1e-5 in the denominator takes 2.5e-6 off the sum.
    np.testing.assert_allclose(weights, [0.75, 0.0, 0.25, 0.0], atol=3e-6)
    np.testing.assert_array_equal(
        meta.sample_weights(tf.constant([0.5, 0.0])), [0.0, 0.0]
    )
    # Tiny gradients weigh less than 1 together.
    small = meta.sample_weights(tf.constant([-1e-5, 0.0]))
    np.testing.assert_allclose(small, [0.5, 0.0], rtol=1e-5)


def test_a_tie_takes_the_pseudo_label():
    keep = meta.keep_label(tf.constant([-1e-9, 0.0, 1e-9]))
    np.testing.assert_array_equal(keep, [1.0, 0.0, 0.0])


def test_weights_separate_samples_that_agree_with_the_probe(reference):
    # Labels that the probe set contradicts get no weight: a linear task.
    random = np.random.RandomState(0)
    images = random.normal(size=(40, 2)).astype(np.float32)
    truth = (images[:, 0] > 0).astype(int)
    given = truth.copy()
    given[:10] = 1 - given[:10]
    omega, _ = meta.meta_gradients(
        lambda p, x: x @ p[0],
        [tf.zeros([2, 2])],
        images,
        tf.one_hot(given, 2),
        tf.one_hot(given, 2),
        images[20:],
        tf.one_hot(truth[20:], 2),
    )
    weights = meta.sample_weights(omega).numpy()
    assert weights[:10].sum() < 0.1 * weights[10:].sum()


def test_bad_arguments_raise(reference):
    with pytest.raises(ValueError, match="double_reverse.*Received: 'exact'"):
        gradients_of(reference, "exact", False)
    with pytest.raises(ValueError, match="Expected 1 accumulators"):
        meta.lookahead([tf.zeros([1])], [None], accumulators=[])


def test_derivative_of_losses_themselves(reference):
    data = reference
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(data["parameters"])
        logits = two_layers(data["parameters"], data["images"])
        each = losses.cross_entropy(data["targets"], logits)
    direction = data["accumulators"]
    found = meta.derivative_along(tape, each, data["parameters"], direction)
    rows = tape.jacobian(each, data["parameters"])
    expected = sum(
        np.tensordot(row, d, d.shape.rank)
        for row, d in zip(rows, direction, strict=True)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
