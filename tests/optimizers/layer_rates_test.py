"""Learning rates by layer, in all optimizers that have them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import noisy_keras as nk
from noisy_keras.optimizers import layer_rates
from tests import toy


def network():
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, use_bias=False, name="stem")(images)
    for number in range(2):
        x = keras.layers.Conv2D(
            2, 1, use_bias=False, name=f"block_{number}_conv"
        )(x)
        x = keras.layers.BatchNormalization(name=f"block_{number}_norm")(x)
    x = keras.layers.Conv2D(4, 1, use_bias=False, name="last")(x)
    return nk.networks.from_backbone(keras.Model(images, x), toy.CLASSES)


def test_blocks_are_recognised_by_the_numbers_in_names():
    names = [
        [v.path.rpartition("/")[0] for v in group]
        for group in layer_rates.blocks(network())
    ]
    assert names == [
        ["stem"],
        ["block_0_conv", "block_0_norm", "block_0_norm"],
        ["block_1_conv", "block_1_norm", "block_1_norm", "last"],
    ]


def test_without_numbers_each_layer_is_a_block():
    built = nk.networks.build("tiny", image_shape=(8, 8, 3), num_classes=3)
    groups = layer_rates.blocks(built)
    layers = [g[0].path.rpartition("/")[0] for g in groups]
    assert len(groups) == len(set(layers)) > 10
    count = sum(map(len, groups))
    assert count == len(built.trainable_variables) - 2


def test_rates_by_hand():
    built = network()
    rates = {v.path: rate for v, rate in layer_rates.factors(built, 0.5, 0.8)}
    assert rates["stem/kernel"] == pytest.approx(0.5 * 0.8**3)
    assert rates["block_0_norm/gamma"] == pytest.approx(0.5 * 0.8**2)
    assert rates["last/kernel"] == pytest.approx(0.5 * 0.8)
    assert "logits/kernel" not in rates


@pytest.mark.parametrize(
    "optimizer",
    [
        nk.MomentumSGD(0.1, momentum=0.0, backbone_rate=0.5, layer_decay=0.8),
        nk.AdamW(0.1, 0.0, epsilon=0.0, backbone_rate=0.5, layer_decay=0.8),
    ],
)
def test_the_steps_of_a_model_have_them(optimizer):
    built = network()
    model = nk.CrossEntropy(built, 6)
    model.compile(optimizer)
    variables = model.trainable_variables
    before = {v.path: v.numpy() for v in variables}
    # Of constant gradients, both step by the rate itself.
    model.optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    for path, rate in (
        ("stem/kernel", 0.1 * 0.5 * 0.8**3),
        ("block_1_conv/kernel", 0.1 * 0.5 * 0.8),
        ("logits/kernel", 0.1),
    ):
        [after] = [v.numpy() for v in variables if v.path == path]
        np.testing.assert_allclose(before[path] - after, rate, rtol=1e-4)


def test_weight_decay_of_adamw_by_hand():
    built = network()
    optimizer = nk.AdamW(0.1, weight_decay=0.5, epsilon=0.0, backbone_rate=0.1)
    model = nk.CrossEntropy(built, 6)
    model.compile(optimizer)
    variables = model.trainable_variables
    before = {v.path: v.numpy() for v in variables}
    model.optimizer.apply([tf.ones(v.shape) for v in variables], variables)
    after = {v.path: v.numpy() for v in variables}
    # w - lr wd w - lr, at a tenth of the rate in the backbone.
    expected = before["stem/kernel"] * (1 - 0.01 * 0.5) - 0.01
    np.testing.assert_allclose(after["stem/kernel"], expected, atol=1e-6)
    expected = before["logits/kernel"] * (1 - 0.1 * 0.5) - 0.1
    np.testing.assert_allclose(after["logits/kernel"], expected, atol=1e-6)
    # One axis: not decayed.
    np.testing.assert_allclose(
        after["logits/bias"], before["logits/bias"] - 0.1, atol=1e-6
    )


def test_replicas_have_them_too(two_replicas):
    strategy = two_replicas
    with strategy.scope():
        built = network()
        model = nk.CrossEntropy(built, 6)
        model.compile(nk.MomentumSGD(0.1, momentum=0.0, backbone_rate=0.5))
    before = [v.numpy() for v in model.trainable_variables]
    gradients = [tf.ones(v.shape) for v in model.trainable_variables]

    @tf.function
    def step():
        strategy.run(
            lambda: model.optimizer.apply(
                [g / 2.0 for g in gradients], model.trainable_variables
            )
        )

    step()
    changes = [
        float(np.mean(old - new.numpy()))
        for old, new in zip(before, model.trainable_variables, strict=True)
    ]
    assert changes[0] == pytest.approx(0.05, rel=1e-4)
    assert changes[-1] == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("cls", [nk.MomentumSGD, nk.AdamW])
def test_they_are_saved_with_the_model(cls, tmp_path):
    model = nk.CrossEntropy(network(), 6)
    model.compile(cls(0.1, backbone_rate=0.25))
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert isinstance(loaded.optimizer, cls)
    assert loaded.optimizer.factor(loaded.trainable_variables[0]) == 0.25
    assert loaded.optimizer.factor(loaded.trainable_variables[-1]) == 1.0
    assert cls(0.1).get_config().keys().isdisjoint({"backbone_rate"})


@pytest.mark.parametrize("cls", [nk.MomentumSGD, nk.AdamW])
@pytest.mark.parametrize(
    ("name", "rate"),
    [("backbone_rate", 1.5), ("backbone_rate", -0.1), ("layer_decay", 0.0)],
)
def test_bad_rates_are_refused(cls, name, rate):
    with pytest.raises(nk.ConfigurationError, match=f"`{name}`.*{rate}"):
        cls(0.1, **{name: rate})


def test_the_look_ahead_has_the_rates_of_a_step():
    model = nk.MetaWeightNet(network(), 6)
    model.compile(nk.MomentumSGD(0.1, momentum=0.0, backbone_rate=0.5))
    own = model.networks[0].trainable_variables
    parameters = [tf.ones(v.shape) for v in own]
    ahead = model.look_ahead(parameters, [tf.ones(v.shape) for v in own])
    np.testing.assert_allclose(ahead[0], 1.0 - 0.1 * 0.5, rtol=1e-6)
    np.testing.assert_allclose(ahead[-1], 1.0 - 0.1, rtol=1e-6)
