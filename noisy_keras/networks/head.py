"""The interface of a network, and the head that gives it to any backbone.

A network is a `keras.Model` from images `[B, H, W, C]` to a dict. The pixel
values are those of the image files. The dict has three entries: `features [B,
h, w, D]`, the last feature map; `embedding [B, E]`; and `logits [B, K]`, in
float32 under every dtype policy.
"""

import warnings

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils.errors import ConfigurationError

#: Name of the linear layer, whose kernel `[E, K]` yields activation maps.
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
    """Completes a graph by global average pooling and a linear layer.

    Args:
        inputs: `keras.Input` of the images.
        features: symbolic tensor `[B, h, w, D]`, the last feature map.
        num_classes: int, number of classes K >= 2.
        name: str, name of the model.
        scaling: tuple of scale, mode and distribution of
            `keras.initializers.VarianceScaling`, the initialisation of the
            linear layer's kernel. The default is that of PyTorch, from which
            most published codes train.
        zero_bias: bool, whether the bias is initialised with zeros instead of
            PyTorch's uniform distribution.

    Returns:
        A `keras.Model` with the interface of a network.

    Raises:
        ValueError: If there are fewer than two classes.
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
        backbone: `keras.Model` from images to a feature map `[B, h, w, D]`, or
            to several feature maps, the last of which is used. A warning
            reports weights with regularizers, because these do not enter the
            losses of the methods; weight decay is an argument of the optimizer.
        num_classes: int, number of classes K >= 2.
        preprocessing: layer applied before the backbone, for backbones that do
            not scale pixels themselves, such as `PixelNormalization` or
            `keras.layers.Rescaling(1 / 127.5, -1)`. None passes the pixel
            values of the source unchanged.

    Returns:
        A `keras.Model` with the interface of a network.

    Raises:
        ValueError: If the backbone does not end in a feature map, or there are
            fewer than two classes.

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
            f"({regularized[0]}, ...), which noisy_keras does not add to the "
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
    """Checks that a model has the interface of a network.

    Args:
        network: `keras.Model`.

    Raises:
        ValueError: If it does not; the message says how to make one that does.
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
    """Checks that one method can train the given networks.

    Args:
        networks: list of `keras.Model`.

    Raises:
        ValueError: If one does not have the interface of a network, they differ
            in image shape or classes, or one occurs twice.
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
            "Expected networks that do not share weights. Received: the same "
            "network twice; pass it once, or build two."
        )


def classifier_kernel(network):
    """Kernel `[E, K]` of the layer that computes the logits.

    Args:
        network: `keras.Model` with the interface of a network.

    Returns:
        The variable, or None if the network has no such layer.
    """
    try:
        return network.get_layer(CLASSIFIER).kernel
    except (ValueError, AttributeError):
        return None


def pixel_normalization(network):
    """The `PixelNormalization` layer of a network.

    Args:
        network: `keras.Model`.

    Returns:
        The layer, or None if the network has none.
    """
    for layer in network.layers:
        if isinstance(layer, PixelNormalization):
            return layer
    return None


def pixel_units(network):
    """The `PixelNormalization` of a network, or a default if it has none.

    Networks from elsewhere scale bytes in their own way. The mean and standard
    deviation of the default are about those of photographs.

    Args:
        network: `keras.Model` with the interface of a network.

    Returns:
        A `PixelNormalization` layer.
    """
    layer = pixel_normalization(network)
    if layer is not None:
        return layer
    channels = network.input_shape[-1]
    return PixelNormalization((0.5,) * channels, (0.25,) * channels)
