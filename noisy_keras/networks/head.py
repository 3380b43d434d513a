"""The interface of a network, and the head that gives it to any backbone.

A network is a `keras.Model` from images `[B, H, W, C]` to a dict. The pixel
values are those of the image files. The dict has three entries: `features [B,
h, w, D]`, the last feature map; `embedding [B, E]`; and `logits [B, K]`, in
float32 under every dtype policy.
"""

import warnings

import keras

from noisy_keras.networks import blocks
from noisy_keras.networks import tokens
from noisy_keras.networks.layers import PixelNormalization
from noisy_keras.utils.errors import ConfigurationError

#: Name of the linear layer, whose kernel `[E, K]` yields activation maps.
CLASSIFIER = "logits"

OUTPUTS = ("features", "embedding", "logits")

# Pixels that are divided by at most this are bytes, not standardised.
_BYTES = 1.01 / 255


def with_head(
    inputs,
    features,
    num_classes: int,
    name: str,
    *,
    scaling=blocks.TORCH_DEFAULT,
    zero_bias=False,
    embedding=None,
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
        embedding: symbolic tensor `[B, E]`; None is the mean of the features.

    Returns:
        A `keras.Model` with the interface of a network.

    Raises:
        ValueError: If there are fewer than two classes.
    """
    if num_classes < 2:
        raise ConfigurationError(
            f"Expected at least 2 classes. Received: num_classes={num_classes}"
        )
    if embedding is None:
        pooling = keras.layers.GlobalAveragePooling2D(name="embedding")
        embedding = pooling(features)
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


def from_backbone(
    backbone, num_classes: int, preprocessing=None, image_shape=None
):
    """Makes a network from a Keras, keras-cv or keras-hub backbone.

    Of a vision transformer's tokens `[B, T, D]`, those of the patches become
    the feature map, and the first becomes the embedding if it is a class token;
    else the embedding is the mean of the patches' tokens.

    Args:
        backbone: `keras.Model` from images to a feature map `[B, h, w, D]`, to
            tokens, or to several of these, the last of which is used. A warning
            reports weights with regularizers, because these do not enter the
            losses of the methods; weight decay is an argument of the optimizer.
        num_classes: int, number of classes K >= 2.
        preprocessing: layer, or function of images, applied before the
            backbone, for backbones that do not scale pixels themselves, such as
            `PixelNormalization` or `keras.layers.Rescaling(1 / 127.5, -1)`.
            None passes the pixel values of the source unchanged.
        image_shape: tuple of ints `(H, W, C)`, shape of the images; default:
            the backbone's. Others are resized to that within the network.

    Returns:
        A `keras.Model` with the interface of a network.

    Raises:
        ValueError: If the backbone does not end in a feature map or tokens, the
            shape of the images is not known, or there are fewer than two
            classes.

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
    if len(backbone.inputs) != 1:
        names = [tensor.name for tensor in backbone.inputs]
        raise ConfigurationError(
            "Expected a backbone of images alone. "
            f"Received: {backbone.name} of {', '.join(names)}"
        )
    own = tuple(backbone.inputs[0].shape[1:])
    shape = own if image_shape is None else tuple(image_shape)
    if len(shape) != 3 or None in shape:
        raise ConfigurationError(
            f"Expected `image_shape` for {backbone.name}, which takes images "
            f"of any size. Received: image_shape={image_shape}"
        )
    inputs = keras.Input(shape, name="images")
    x = inputs if preprocessing is None else preprocessing(inputs)
    size = own[:2]
    if None in size:
        size = tuple(x.shape[1:3])
    elif size != tuple(x.shape[1:3]):
        x = keras.layers.Resizing(*size, name="resized")(x)
    # A sequential model has one input, and may not have been called yet.
    sequential = isinstance(backbone, keras.Sequential)
    if not sequential and isinstance(backbone.input, dict):
        x = {name: x for name in backbone.input}
    outputs = backbone(x)
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    features = outputs[-1] if isinstance(outputs, (list, tuple)) else outputs
    embedding = None
    if len(features.shape) == 3:
        features, embedding = tokens.split(features, backbone, size)
    if len(features.shape) != 4:
        raise ConfigurationError(
            "Expected a backbone that ends in a feature map [B, h, w, D], or "
            "in the tokens [B, T, D] of a transformer. "
            f"Received: {backbone.name} with output {features.shape}; build "
            "it without its top and without pooling."
        )
    return with_head(
        inputs, features, num_classes, backbone.name, embedding=embedding
    )


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


def classifier(network):
    """The layer whose weights make the logits.

    Args:
        network: functional `keras.Model` with the interface of a network.

    Returns:
        The layer `logits`, or the last one before the logits that has weights,
        behind activations and casts; None if that is not one layer.
    """
    tensor = network.output[CLASSIFIER]
    named = [layer for layer in network.layers if layer.name == CLASSIFIER]
    if named and named[0].weights:
        return named[0]
    while True:
        layer = tensor._keras_history.operation
        if not isinstance(layer, keras.Layer) or isinstance(layer, keras.Model):
            return None
        if layer.weights:
            return layer
        node = layer._inbound_nodes[tensor._keras_history.node_index]
        if len(node.input_tensors) != 1:
            return None
        [tensor] = node.input_tensors


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

    Networks from elsewhere scale bytes in their own way, maybe behind a layer
    that passes them on as bytes. The mean and standard deviation of the default
    are about those of photographs.

    Args:
        network: `keras.Model` with the interface of a network.

    Returns:
        A `PixelNormalization` layer.
    """
    layer = pixel_normalization(network)
    if layer is not None and min(layer.std) > _BYTES:
        return layer
    scale = 255.0 if layer is None else layer.pixel_scale
    channels = network.input_shape[-1]
    return PixelNormalization((0.5,) * channels, (0.25,) * channels, scale)
