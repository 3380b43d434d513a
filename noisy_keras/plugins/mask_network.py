"""Networks that only say where an image is masked, as of SANM's `mask_network`.

They are trained classifiers with the interface of a network, and frozen: their
class activation maps show what an image is about from the first step on, and no
wrong label changes them.

Reference: Tu et al., Self-supervised Adversarial Noisy Masking, CVPR 2023,
poster, table 4: masks by a pretrained backbone.
"""

import keras
import tensorflow as tf

from noisy_keras.networks import copies
from noisy_keras.networks import efficientnet_lite
from noisy_keras.networks import head
from noisy_keras.networks import model_files
from noisy_keras.networks import providers
from noisy_keras.ops import masking
from noisy_keras.utils.errors import ConfigurationError

_LITE = "efficientnet_lite0"
_FORMS = f"{_LITE}, keras:NAME or FILE.keras"
_IMAGENET_CLASSES = 1000


def named(name, channels, classifier=True):
    """A trained network by name, with the classifier that it was trained with.

    Args:
        name: str, `"efficientnet_lite0"`, with the weights of ImageNet;
            `keras:NAME` of `keras.applications`, likewise; or the path of a
            `.keras` file: a network of this package, a method, whose first
            network it is, or any Keras classifier of images.
        channels: int, number of channels of the images, C.
        classifier: bool, whether the classifier is needed.

    Returns:
        A `keras.Model` with the interface of a network, for images of the size
        that it was trained on.

    Raises:
        ConfigurationError: another name, a file that is not there or does not
            fit, weights that are not there, or no classifier on pooled
            features where it is needed.
    """
    provider, rest = providers.split_name(name)
    if name == _LITE:
        side = efficientnet_lite.IMAGE_SIZE
        return efficientnet_lite.imagenet_classifier((side, side, channels))
    if provider == "keras":
        return _of_keras(name, rest, channels, classifier)
    if provider != "file":
        raise ConfigurationError(
            "Expected a `mask_network` whose classifier has been trained: "
            f"{_FORMS}. Received: {name!r}"
        )
    model = model_files.load(rest)
    # A method: its class is of a higher room.
    model = getattr(model, "networks", [model])[0]
    output = getattr(model, "output", None)
    if isinstance(output, dict) and not set(head.OUTPUTS) - set(output):
        return model
    shape = tuple(getattr(model, "input_shape", None) or ())[1:]
    if (
        len(shape) != 3
        or None in shape
        or len(getattr(output, "shape", ())) != 2
    ):
        raise ConfigurationError(
            f"Expected a classifier of images of a fixed size in {rest}. "
            f"Received: {model.name} from {shape} to "
            f"{getattr(output, 'shape', output)}"
        )
    network = model_files.network(rest, shape, output.shape[-1])
    return _with_classifier_of(model, network, name, classifier)


def _of_keras(name, function, channels, classifier):
    side = providers.default_image_size(name)
    network, _ = providers.build(
        name, (side, side, channels), _IMAGENET_CLASSES, 255.0, "auto"
    )
    if not classifier:
        return network
    try:
        whole = getattr(keras.applications, function)(weights="imagenet")
    except Exception as error:
        if type(error) is not Exception:  # As `keras.utils.get_file` raises.
            raise
        reason = str(error).strip().split("\n")[0][:200]
        raise ConfigurationError(
            f"Expected to download the classifier of {name}, or a network in "
            f"a FILE.keras. Received: {reason}"
        ) from error
    return _with_classifier_of(whole, network, name, classifier)


def _with_classifier_of(whole, network, name, needed):
    """The network, with the last linear layer of the model that it is from."""
    dense = [x for x in whole.layers if isinstance(x, keras.layers.Dense)]
    ours = network.get_layer(head.CLASSIFIER)
    fits = bool(dense) and dense[-1].kernel.shape == ours.kernel.shape
    if fits:
        kernel, *bias = dense[-1].get_weights()
        zeros = 0.0 * ours.get_weights()[1]
        ours.set_weights([kernel, *(bias or [zeros])])
    elif needed:
        raise ConfigurationError(
            "Expected a `mask_network` that ends in pooling and a linear "
            f"layer, for activation='cam'. Received: {name}; use "
            "activation='energy', which needs features alone."
        )
    return network


def frozen(network):
    """A network whose weights no training changes.

    Args:
        network: `keras.Model` with the interface of a network. It is not
            changed: where it has weights that train, the result is a copy.

    Returns:
        A `keras.Model` without weights that train.

    Raises:
        ConfigurationError: a model without the interface.
    """
    head.check(network)
    if not network.trainable_variables:
        return network
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(network)
    )
    copies.copy_weights(network, copy)
    copy.trainable = False
    return copy


def check(mask_network, network, activation):
    """Checks that a mask network fits the networks in training.

    Args:
        mask_network: `keras.Model`, as of `frozen`.
        network: `keras.Model`, a network in training.
        activation: str, `"cam"` or `"energy"`.

    Raises:
        ConfigurationError: images of another number of channels, or no
            classifier on pooled features for `"cam"`.
    """
    wanted, found = network.input_shape[-1], mask_network.input_shape[-1]
    if wanted != found:
        raise ConfigurationError(
            f"Expected a `mask_network` of images of {wanted} channels, as of "
            f"{network.name!r}. Received: {mask_network.name!r} of images of "
            f"{found} channels"
        )
    kernel = head.classifier_kernel(mask_network)
    depth = mask_network.output["features"].shape[-1]
    if activation == "cam" and (kernel is None or kernel.shape[0] != depth):
        raise ConfigurationError(
            f"Expected a `mask_network` whose logits come from a Dense layer "
            f"named {head.CLASSIFIER!r} on pooled features, for "
            f"activation='cam'. Received: {mask_network.name!r}; use "
            "activation='energy', which needs features alone."
        )


def shares_classes(mask_network, network):
    """Whether a mask network has as many classes as a network in training."""
    one, other = (n.output["logits"].shape[-1] for n in (mask_network, network))
    return one == other


def outputs(mask_network, network, images):
    """What a mask network makes of the images of a network in training.

    Args:
        mask_network: `keras.Model`.
        network: `keras.Model`, the network in training.
        images: float32 `[B, H, W, C]`, in the pixel values of `network`. They
            are resized if the mask network was built for another size.

    Returns:
        dict of its outputs in inference mode.
    """
    size = tuple(mask_network.input_shape[1:3])
    if None not in size and size != tuple(images.shape[1:3]):
        images = tf.image.resize(images, size)
    white = [head.pixel_units(n).pixel_scale for n in (mask_network, network)]
    if white[0] != white[1]:
        images = images * (white[0] / white[1])
    return mask_network(images, training=False)


def class_map(network, outputs, classes):
    """The class activation map of a network's outputs.

    Args:
        network: `keras.Model` with a layer `logits` on pooled features.
        outputs: dict of tensors, its outputs for B images.
        classes: int `[B]`, the classes; None for the predicted ones.

    Returns:
        float32 `[B, h, w]`.
    """
    kernel = tf.convert_to_tensor(head.classifier_kernel(network))
    if classes is None:
        classes = tf.argmax(outputs["logits"], axis=1)
    return masking.class_activation_map(
        tf.cast(outputs["features"], tf.float32),
        tf.cast(kernel, tf.float32),
        classes,
    )
