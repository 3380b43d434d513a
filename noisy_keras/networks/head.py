"""The contract of a network, and the head that gives it to any backbone.

A network is a `keras.Model` from images `[B, H, W, C]`, pixel values as they
are in the picture, to a dict of `features [B, h, w, D]` (the last map),
`embedding [B, E]` and `logits [B, K]` (float32 under every dtype policy).
"""

import warnings

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils.errors import ConfigurationError

#: Name of the linear layer whose kernel `[E, K]` makes activation maps.
CLASSIFIER = "logits"

OUTPUTS = ("features", "embedding", "logits")


def with_head(
    inputs,
    features,
    num_classes: int,
    name: str,
    *,
    scaling=blocks.TORCH_DEFAULT,
    zero_bias=False,
):
    """Ends a functional graph in global average pooling and a linear layer.

    Args:
        inputs: Keras input of the images.
        features: symbolic `[B, h, w, D]`.
        num_classes: K, at least 2.
        name: of the model.
        scaling: initialisation of the linear layer's kernel, as scale, mode
            and distribution of `VarianceScaling`; default PyTorch's, which
            most published codes train from.
        zero_bias: whether the bias starts at zero, and not as PyTorch's.

    Returns:
        A `keras.Model` that keeps the contract.

    Raises:
        ValueError: fewer than two classes.
    """
    if num_classes < 2:
        raise ConfigurationError(
            f"Expected at least 2 classes. Received: num_classes={num_classes}"
        )
    embedding = keras.layers.GlobalAveragePooling2D(name="embedding")(features)
    bound = 0.0 if zero_bias else embedding.shape[-1] ** -0.5
    logits = keras.layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.VarianceScaling(*scaling),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        dtype="float32",
        name=CLASSIFIER,
    )(embedding)
    outputs = dict(zip(OUTPUTS, (features, embedding, logits), strict=True))
    return keras.Model(inputs, outputs, name=name)


def from_backbone(backbone, num_classes: int, preprocessing=None):
    """Makes a network from a Keras, keras-cv or keras-hub backbone.

    Args:
        backbone: a `keras.Model` from images to a feature map `[B, h, w, D]`,
            or to several of them by name, of which the last is taken. Its
            regularizers have no part in these methods' losses, which a
            warning says: decay is the optimizer's.
        num_classes: K.
        preprocessing: a layer put before the backbone, for backbones that do
            not scale pixels themselves: `PixelNormalization`,
            `keras.layers.Rescaling(1 / 127.5, -1)`. None passes pixel values
            in the range of the source's images.

    Returns:
        A `keras.Model` that keeps the contract.

    Raises:
        ValueError: the backbone does not end in a feature map.

    Example:
        >>> backbone = keras.applications.MobileNetV2(
        ...     input_shape=(64, 64, 3), include_top=False, weights=None
        ... )
        >>> rescale = keras.layers.Rescaling(1 / 127.5, -1)
        >>> network = from_backbone(backbone, 14, preprocessing=rescale)
        >>> network.output["logits"].shape
        (None, 14)
    """
    regularized = [
        w.path
        for w in backbone.trainable_variables
        if getattr(w, "regularizer", None) is not None
    ]
    if regularized:
        warnings.warn(
            f"{len(regularized)} weights of {backbone.name} have a regularizer "
            f"({regularized[0]}, ...), which noisy_keras leaves out of the "
            "loss. For weight decay pass `nk.MomentumSGD(weight_decay=5e-4)`.",
            stacklevel=2,
        )
    shape = backbone.input_shape
    inputs = keras.Input(tuple(shape[1:]), name="images")
    x = inputs if preprocessing is None else preprocessing(inputs)
    features = backbone(x)
    if isinstance(features, dict):
        features = list(features.values())[-1]
    elif isinstance(features, (list, tuple)):
        features = features[-1]
    if len(features.shape) != 4:
        raise ConfigurationError(
            "Expected a backbone that ends in a feature map [B, h, w, D]. "
            f"Received: {backbone.name} with output {features.shape}; build "
            "it without its top and without pooling."
        )
    return with_head(inputs, features, num_classes, name=backbone.name)


def check(network):
    """Raises unless a model keeps the contract of a network.

    Args:
        network: any `keras.Model`.

    Raises:
        ValueError: with what is missing and how to get it.
    """
    output = getattr(network, "output", None)
    if not isinstance(output, dict) or set(OUTPUTS) - set(output):
        found = sorted(output) if isinstance(output, dict) else output
        raise ConfigurationError(
            f"Expected a network whose output is a dict of {OUTPUTS}; "
            "`nk.networks.build(name, source)` and "
            "`nk.networks.from_backbone(backbone, num_classes)` make one. "
            f"Received: {getattr(network, 'name', network)!r} with output "
            f"{found}"
        )
    rank = len(output["features"].shape)
    if rank != 4 or output["logits"].shape[-1] < 2:
        raise ConfigurationError(
            "Expected `features` [B, h, w, D] and `logits` [B, K], K >= 2. "
            f"Received: features {output['features'].shape}, logits "
            f"{output['logits'].shape}"
        )


def check_together(networks):
    """Raises unless one method can train these networks.

    Args:
        networks: list of models.

    Raises:
        ValueError: one does not keep the contract, they differ in image shape
            or classes, or one is there twice.
    """
    for network in networks:
        check(network)
    shapes = {(n.input_shape, n.output["logits"].shape) for n in networks}
    if len(shapes) > 1:
        raise ConfigurationError(
            "Expected networks that agree in image shape and classes. "
            f"Received: {sorted(map(str, shapes))}"
        )
    if len({id(network) for network in networks}) < len(networks):
        raise ConfigurationError(
            "Expected networks with weights of their own. Received: the same "
            "network twice; pass it once, or build two."
        )


def classifier_kernel(network):
    """The kernel `[E, K]` of the layer that makes the logits, or None."""
    try:
        return network.get_layer(CLASSIFIER).kernel
    except (ValueError, AttributeError):
        return None


def pixel_normalization(network):
    """The network's own `PixelNormalization` layer, or None."""
    for layer in network.layers:
        if isinstance(layer, PixelNormalization):
            return layer
    return None


def pixel_units(network):
    """As `pixel_normalization`, with a stand-in for networks without one.

    Networks made by others scale bytes in their own way; photographs have
    about the mean and deviation of the stand-in.
    """
    layer = pixel_normalization(network)
    if layer is not None:
        return layer
    channels = network.input_shape[-1]
    return PixelNormalization((0.5,) * channels, (0.25,) * channels)
