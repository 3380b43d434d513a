import keras
import numpy as np
import pytest

import noisy_keras as nk
from tests import toy


def pairs(encoder, network):
    return zip(encoder.weights, network.weights, strict=True)


def test_all_but_the_classifier_is_copied():
    encoder = toy.network()
    network = nk.networks.warm_started(encoder)
    for old, new in pairs(encoder, network):
        assert old is not new
        same = np.array_equal(old.numpy(), new.numpy())
        assert same == ("logits" not in old.path)
    # It draws anew each time, so that two networks differ.
    other = nk.networks.warm_started(encoder)
    kernels = [n.get_layer("logits").kernel.numpy() for n in (network, other)]
    assert np.any(kernels[0] != kernels[1])
    nk.DivideMix([network, other], 32)


@pytest.mark.parametrize(
    "name",
    [
        "tiny",
        pytest.param("resnet32", marks=pytest.mark.large),
        pytest.param("wide_resnet28_2", marks=pytest.mark.large),
    ],
)
def test_another_number_of_classes(name):
    encoder = nk.networks.build(
        name, image_shape=(16, 16, 3), num_classes=4, width=4
    )
    network = nk.networks.warm_started(encoder, num_classes=7)
    assert network.output["logits"].shape == (None, 7)
    image = np.random.RandomState(0).randint(0, 256, (2, 16, 16, 3))
    before, after = encoder(image), network(image)
    np.testing.assert_allclose(before["embedding"], after["embedding"])
    assert after["logits"].shape == (2, 7)


def test_a_backbone_and_a_saved_encoder(tmp_path):
    inputs = keras.Input((16, 16, 3))
    backbone = keras.Model(inputs, keras.layers.Conv2D(5, 3)(inputs))
    encoder = nk.networks.from_backbone(backbone, 4)
    encoder.save(tmp_path / "encoder.keras")
    network = nk.networks.warm_started(
        keras.models.load_model(tmp_path / "encoder.keras"), num_classes=3
    )
    np.testing.assert_array_equal(
        network.weights[0].numpy(), backbone.weights[0].numpy()
    )


@pytest.mark.parametrize("before", ["float32", "mixed_float16"])
def test_another_precision(before, tmp_path):
    def built(policy):
        keras.config.set_dtype_policy(policy)
        return nk.networks.build(
            "tiny", image_shape=(16, 16, 3), num_classes=4, width=4
        )

    def computed(network):
        return [layer.compute_dtype for layer in network.layers[1:]]

    built(before).save(tmp_path / "encoder.keras")
    wanted = {p: computed(built(p)) for p in ("mixed_bfloat16", "float32")}
    encoder = keras.models.load_model(tmp_path / "encoder.keras")
    for policy, kinds in wanted.items():
        network = nk.networks.warm_started(encoder, dtype_policy=policy)
        assert computed(network) == kinds
        assert {w.dtype for w in network.weights} == {"float32"}
        first = network.weights[0].numpy()
        np.testing.assert_array_equal(first, encoder.weights[0].numpy())
    assert computed(nk.networks.warm_started(encoder)) == computed(encoder)
    # Its layers say so, whatever the policy of the session.
    model = nk.CrossEntropy(nk.networks.warm_started(encoder), 32)
    model.compile()
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (before == "mixed_float16")


def test_bad_arguments_raise():
    with pytest.raises(ValueError, match="at least 2 classes"):
        nk.networks.warm_started(toy.network(), num_classes=1)
    inputs = keras.Input((16, 16, 3))
    with pytest.raises(ValueError, match="output is a dict"):
        nk.networks.warm_started(keras.Model(inputs, inputs))
    network = toy.network()
    features = network.output["features"]
    embedding = network.output["embedding"]
    logits = keras.layers.Dense(4, name="other")(embedding)
    outputs = {"features": features, "embedding": embedding, "logits": logits}
    with pytest.raises(ValueError, match="a linear layer 'logits'"):
        nk.networks.warm_started(keras.Model(network.input, outputs))


def test_the_projection_head_is_a_perceptron_in_float32():
    keras.mixed_precision.set_global_policy("mixed_float16")
    head = nk.networks.build_projection(3, 5, 2)
    rows = np.float16([[1.0, -2.0, 3.0]])
    found = head(rows)
    assert found.dtype == "float32"
    hidden, bias, kernel, last = head.get_weights()
    expected = np.maximum(rows @ hidden + bias, 0.0) @ kernel + last
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert len(nk.networks.build_projection(3, 0, 2).weights) == 2
