"""Models of images from models of features and the encoder that made these."""

import keras

from noisy_keras import optimizers
from noisy_keras.core import inputs
from noisy_keras.networks import copies
from noisy_keras.networks import head
from noisy_keras.tables.prediction_history import LikelyHistory
from noisy_keras.tables.prediction_history import PredictionHistory
from noisy_keras.utils.errors import ConfigurationError


def joined_network(encoder, network):
    """A network of images: a frozen encoder, and a network of its features.

    Args:
        encoder: `keras.Model` with the interface of a network, from images `[B,
            H, W, C]` to an embedding `[B, D]`. It is not changed.
        network: `keras.Model` with the interface of a network, from features
            `[B, D]`. It is not changed.

    Returns:
        A `keras.Model` with the interface of a network. Its `features` are the
        encoder's, its `embedding` and `logits` those of `network`. All weights
        are copies, and those of the encoder are frozen.

    Raises:
        ConfigurationError: the features are not the encoder's embedding.
    """
    head.check(encoder)
    columns = encoder.output["embedding"].shape[-1]
    if network.input_shape[1:] != (columns,):
        raise ConfigurationError(
            f"Expected a network of features of {columns} columns, those of "
            f"{encoder.name}. Received: {network.name} of "
            f"{network.input_shape[1:]}"
        )
    trunk = _copy(
        encoder,
        {name: encoder.output[name] for name in ("features", "embedding")},
        encoder.name,
    )
    trunk.trainable = False
    body = _copy(network, network.output["embedding"], network.name)
    classifier = network.get_layer(head.CLASSIFIER)
    images = keras.Input(encoder.input_shape[1:], name="images")
    found = trunk(images)
    embedding = body(keras.ops.cast(found["embedding"], "float32"))
    new = type(classifier).from_config(classifier.get_config())
    logits = new(embedding)
    new.set_weights(classifier.get_weights())
    outputs = (found["features"], embedding, logits)
    return keras.Model(
        images,
        dict(zip(head.OUTPUTS, outputs, strict=True)),
        name=f"{encoder.name}_{network.name}",
    )


def with_encoder(model, encoder, source):
    """A model of images from one that was trained on their features.

    Args:
        model: trained `NoisyLabelModel` of features `[N, D]`.
        encoder: as of `joined_network`.
        source: `Source` of the images that `model` was trained on, in the same
            order.

    Returns:
        A compiled `NoisyLabelModel` of the same class, with the same tables. It
        predicts images, is saved, exported and audited like any other. Training
        it goes on with the encoder frozen.

    Raises:
        ConfigurationError: an encoder or a source that does not fit the model.

    Example:
        >>> images = nk.data.load("digits")
        >>> encoder = nk.networks.build("tiny", images)
        >>> found = nk.features.encoded({"train": images}, encoder, "f.npz")
        >>> model = nk.ELR("linear", found["train"])
        >>> model.compile()
        >>> history = model.fit(found["train"], epochs=1, verbose=0)
        >>> model = with_encoder(model, encoder, images)
        >>> model.predict(images.fetch([0, 1]), verbose=0).shape
        (2, 10)
    """
    config = model.get_config()
    networks = [joined_network(encoder, one) for one in model.networks]
    config["networks"] = [
        keras.saving.serialize_keras_object(one) for one in networks
    ]
    config["pictures"] = list(inputs.pictures_of(source))
    made = type(model).from_config(config)
    pairs = list(
        zip(
            model.normalizing_networks(),
            made.normalizing_networks(),
            strict=True,
        )
    )
    for old, new in pairs:
        copies.copy_weights(joined_network(encoder, old), new)
    # Tables, and what else a method has beside its networks.
    for old, new in zip(
        _others(model, [old for old, _ in pairs]),
        _others(made, [new for _, new in pairs]),
        strict=True,
    ):
        new.assign(old)
    for old, new in zip(_histories(model), _histories(made), strict=True):
        new.progress = old.progress
    inputs.check_source(made, source, training=True)
    made.compile(optimizers.fresh(model.optimizer))
    return made


def _copy(network, outputs, name):
    """A part of a network, with copies of its weights."""
    part = keras.Model(network.input, outputs, name=name)
    copy = copies.reinitialized(part)
    copies.copy_weights(part, copy)
    return copy


def _others(model, networks):
    """Variables that belong to no network."""
    own = {id(w) for network in networks for w in network.weights}
    return [v for v in model.variables if id(v) not in own]


def _histories(model):
    kinds = (PredictionHistory, LikelyHistory)
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, kinds)
    ]
