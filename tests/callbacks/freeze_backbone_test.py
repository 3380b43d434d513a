"""The classifier is trained alone first, by every method."""

import keras
import pytest

import noisy_keras as nk
from noisy_keras import methods
from noisy_keras.methods.bases.trusted import TrustedSetModel
from noisy_keras.networks import freezing
from noisy_keras.networks import head
from tests import toy

COUNT = 24
#: Methods that train a classifier.
METHODS = sorted(
    name for name, cls in methods.classes().items() if cls.predicts_classes
)
LONG = ("DivideMix", "EG", "IEG")


def given():
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(images)
    x = keras.layers.BatchNormalization()(x)
    return nk.networks.from_backbone(keras.Model(images, x), toy.CLASSES)


def weights(model):
    """Weights of backbones and of classifiers, two lists of arrays."""
    backbones, classifiers = [], []
    for network in model.networks:
        own = {id(w) for w in head.classifier(network).weights}
        for weight in network.weights:
            part = classifiers if id(weight) in own else backbones
            part.append(weight.numpy())
    return backbones, classifiers


class Kept(keras.callbacks.Callback):
    """Keeps the weights after each epoch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        self.found.append(weights(self.model))


def changed(before, after):
    return [bool((a != b).any()) for a, b in zip(before, after, strict=True)]


def fit(name, epochs=2, frozen=1, **options):
    train, trusted = toy.source(COUNT + 8).split(trusted=2)
    model = getattr(nk, name)(given(), train)
    model.compile(nk.MomentumSGD(0.05), **options)
    kept = Kept()
    kept.found.append(weights(model))
    inputs = {}
    if isinstance(model, TrustedSetModel):
        inputs = {"trusted": trusted}
    model.fit(
        train,
        epochs=epochs,
        batch_size=8,
        steps_per_epoch=1,
        callbacks=[nk.callbacks.FreezeBackbone(frozen), kept],
        verbose=0,
        **inputs,
    )
    return model, kept.found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.large) if name in LONG else name
        for name in METHODS
    ],
)
def test_the_backbone_is_frozen_and_then_is_not(name):
    _, (start, first, second) = fit(name, run_eagerly=True)
    assert not any(changed(start[0], first[0]))  # Nor batch statistics.
    assert all(changed(start[1], first[1])[::2])  # The kernels.
    assert all(changed(first[0], second[0]))


def test_traced_steps_are_traced_anew():
    model, (start, first, second) = fit("CrossEntropy")
    assert not any(changed(start[0], first[0]))
    assert all(changed(first[0], second[0]))
    assert not model.backbone_frozen
    assert all(layer.trainable for layer in model.networks[0].layers)


def test_a_model_saved_while_frozen_has_nothing_frozen(tmp_path):
    model, _ = fit("CrossEntropy", epochs=1)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)


def test_layers_frozen_before_stay_frozen():
    network = given()
    convolution = network.layers[1].layers[1]
    convolution.trainable = False
    with freezing.frozen_backbones([network]):
        assert [w.path for w in network.trainable_weights] == [
            "logits/kernel",
            "logits/bias",
        ]
    assert not convolution.trainable
    # The scale and offset of the normalisation, and the classifier's two.
    assert len(network.trainable_weights) == 4


def test_random_weights_are_refused():
    source = toy.source(COUNT)
    model = nk.CrossEntropy("tiny", source)
    model.compile()
    freeze = nk.callbacks.FreezeBackbone(1)
    with pytest.raises(nk.ConfigurationError, match="pretrained.*random"):
        model.fit(source, epochs=1, callbacks=[freeze], verbose=0)
    # None is no freezing.
    freeze = nk.callbacks.FreezeBackbone(0)
    model.fit(
        source, epochs=1, callbacks=[freeze], steps_per_epoch=1, verbose=0
    )


def test_a_number_of_epochs_is_expected():
    with pytest.raises(nk.ConfigurationError, match="`epochs`.*-1"):
        nk.callbacks.FreezeBackbone(-1)
