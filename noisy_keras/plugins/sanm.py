"""SANM: self-supervised adversarial noisy masking, for any host.

1. Adversarial masking (AMG): hide the region with the highest activation, and
   more of it the lower the clean probability of the label is.
2. Noisy-label regularisation (NLR): take the same share from the label as is
   hidden of the image.
3. Self-supervised reconstruction (SMR): a decoder restores the whole image from
   the features of the masked one, which involves no label noise.

Reference: Tu et al., Learning with Noisy labels via Self-supervised
Adversarial Noisy Masking, CVPR 2023; equations (1)-(10), Algorithm 1. Paper
and released code differ in almost every detail; each is an argument here.
"""

import keras
import tensorflow as tf

from noisy_keras.core.plugin import StepPlugin
from noisy_keras.core.plugin import Views
from noisy_keras.data import augment
from noisy_keras.networks import build_decoder
from noisy_keras.networks import head
from noisy_keras.ops import gradients
from noisy_keras.ops import masking
from noisy_keras.ops import random
from noisy_keras.plugins import mask_network as mask_networks
from noisy_keras.utils import arguments
from noisy_keras.utils import serialization
from noisy_keras.utils.errors import ConfigurationError

_RULES = {
    "masking": arguments.switch,
    "label_regularization": arguments.switch,
    "reconstruction": arguments.switch,
    "activation": arguments.one_of("cam", "energy"),
    "box": arguments.one_of("center", "corner"),
    "ratio": arguments.one_of("code", "paper", "poster"),
    "base_ratio": arguments.within(0, 1),
    "ratio_range": arguments.pair(arguments.within(0, 1)),
    "ratio_step": arguments.within(0, 1),
    "aspect_delta": arguments.within(0, 1, "(]"),
    "area_scale": arguments.within(0, 1, "(]"),
    "fill": arguments.one_of("pixel", "channel"),
    "masked_copies": arguments.one_of(1, 2),
    "clip_labels": arguments.switch,
    "decoder": arguments.one_of("generic", "official"),
    "decoder_gradient": arguments.one_of("full", "weighted"),
    "reconstruction_weight": arguments.at_least(0),
    "extra_view": augment.view_rule,
    "extra_views": arguments.at_least(0, int),
}

#: Arguments of the released code for CIFAR.
OFFICIAL = {
    "activation": "energy",
    "box": "corner",
    "ratio": "code",
    "area_scale": 0.5,
    "fill": "channel",
    "masked_copies": 2,
    "clip_labels": False,
    "decoder": "official",
    "decoder_gradient": "weighted",
    "extra_view": "randaugment",
    "extra_views": 2,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class AdversarialNoisyMasking(StepPlugin):
    """SANM as a plug-in of a host.

    Args:
        masking: bool, whether regions are hidden (AMG); otherwise the copies
            are the images themselves.
        label_regularization: bool, whether labels are regularised (NLR).
        reconstruction: bool, whether images are reconstructed (SMR).
        activation: str, map whose peak is hidden. `"cam"`: class activation map
            of the predicted class (eq. (1)), for networks that end in pooling
            and a linear layer; `"energy"`: that of the released code, for any
            feature map.
        box: str. `"center"`: the box is centred on the peak and clipped
            (eq. (3)-(4)); `"corner"`: the peak is its upper left pixel
            (released code).
        ratio: str, how the share r of the image that is hidden follows from the
            clean probability G. `"code"`: `U(low, high) + step * (1 - G)` of
            `ratio_range` and `ratio_step`; `"paper"`: `base_ratio * (1 - G)`
            (eq. (2)); `"poster"`: 0.2 where G > 0.5, else 0.3 (the motivating
            study).
        base_ratio: float in [0, 1], mu of `ratio="paper"`, for which the paper
            gives no number.
        ratio_range: pair of floats in [0, 1], low and high of `ratio="code"`;
            (0.06, 0.13) for Clothing1M.
        ratio_step: float in [0, 1], step of `ratio="code"`; 0.1 for Clothing1M.
        aspect_delta: float in (0, 1], delta; the box's height over its width is
            drawn from `U(delta, 1 / delta)`.
        area_scale: float in (0, 1], share of r that the box covers; 0.5 in the
            released code.
        fill: str. `"pixel"`: noise `U(0, 1)` per pixel and channel, 1 being
            white (eq. (5)); `"channel"`: one number per image and channel,
            `U(0, 1)` in standardised units (released code).
        masked_copies: int, 1 or 2. 1 hides the peak; 2 adds a copy with the
            *least* active region hidden, as the released code does.
        clip_labels: bool, whether regularised labels are clipped at 0.
        decoder: str, `"generic"` or `"official"`, see `networks.build_decoder`.
        decoder_gradient: str. `"full"`: the decoder follows the gradient of the
            reconstruction error itself, the encoder beta times it;
            `"weighted"`: both follow beta times it, as in the paper. The
            optimum of a decoder is the same, but with `"full"` it learns
            1 / beta times faster; with `"weighted"`, images are still grey
            after some ten thousand steps.
        reconstruction_weight: float >= 0, weight beta of the reconstruction
            error; 0.02 on CIFAR, 0.3 on Clothing1M.
        extra_view: view that hosts like DivideMix train on beside their own:
            one of `nk.data.VIEWS`, a Keras layer, or a function of images and a
            seed, see `nk.data.Source.view`. The released code trains on
            AutoAugment and RandAugment views.
        extra_views: int >= 0, number of these views.
        mask_network: a trained network whose map is masked by in place of that
            of the network in training, as in table 4 of the poster; or its
            name: `"efficientnet_lite0"` or `keras:NAME`, with the weights of
            ImageNet, or the path of a `.keras` file. It is frozen, and saved
            with the host; a network with weights that train is copied. Images
            are resized for it. Where it has as many classes as the data, these
            are taken to be the same, and the map is of the class that the
            network in training predicts; otherwise of its own. None: no other
            network.
        name: str, name of the layer.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits")
        >>> plugin = nk.AdversarialNoisyMasking(ratio="paper", base_ratio=0.2)
        >>> model = nk.DivideMix("tiny", source, plugins=[plugin])
    """

    loss_name = "reconstruction"
    needs_pixels = True
    needs_division = True

    def __init__(
        self,
        masking=True,
        label_regularization=True,
        reconstruction=True,
        activation="cam",
        box="center",
        ratio="code",
        base_ratio=0.1,
        ratio_range=(0.02, 0.07),
        ratio_step=0.03,
        aspect_delta=0.8,
        area_scale=1.0,
        fill="pixel",
        masked_copies=1,
        clip_labels=True,
        decoder="generic",
        decoder_gradient="full",
        reconstruction_weight=0.02,
        extra_view="autoaugment",
        extra_views=2,
        name="sanm",
        mask_network=None,
        **kwargs,
    ):
        chosen = arguments.checked(_RULES, locals())
        super().__init__(**{**kwargs, "name": name, "dtype": "float32"})
        self.settings = chosen
        for key, value in chosen.items():
            setattr(self, key, value)
        if mask_network is not None and not isinstance(mask_network, str):
            mask_network = mask_networks.frozen(mask_network)
        self.mask_network = mask_network
        self.decoders = []

    @classmethod
    def official(cls, **overrides):
        """A plug-in as in the released code for CIFAR.

        Args:
            **overrides: arguments of the constructor that differ.

        Returns:
            A plug-in. `nk.SANM(..., preset="official")` also sets the host.
        """
        return cls(**{**OFFICIAL, **overrides})

    def attach(self, networks):
        """Makes a decoder for each network (theta_D of Algorithm 1)."""
        self._attach_mask_network(networks[0])
        for network in networks if self.mask_network is None else ():
            kernel = head.classifier_kernel(network)
            depth = network.output["features"].shape[-1]
            if self.activation == "cam" and (
                # Layers between the features and the logits: no such map.
                kernel is None or kernel.shape[0] != depth
            ):
                raise ConfigurationError(
                    "Expected a network whose logits come from a Dense layer "
                    f"named {head.CLASSIFIER!r} on pooled features, for "
                    f"activation='cam'. Received: {network.name!r}; use "
                    "activation='energy', which needs features alone."
                )
        self._check_ratio(networks[0].output["logits"].shape[-1])
        if not self.reconstruction:
            return
        self.decoders = [
            build_decoder(
                self.decoder,
                network.output["features"].shape[1:],
                network.input_shape[1:],
                name=f"decoder_{k}",
            )
            for k, network in enumerate(networks)
        ]

    def _attach_mask_network(self, network):
        """Builds the mask network, where it was given by name."""
        if isinstance(self.mask_network, str):
            self.mask_network = mask_networks.frozen(
                mask_networks.named(
                    self.mask_network,
                    network.input_shape[-1],
                    classifier=self.activation == "cam",
                )
            )
        if self.mask_network is not None:
            mask_networks.check(self.mask_network, network, self.activation)

    def _check_ratio(self, num_classes):
        """Raises unless eq. (7) leaves a right label its class."""
        greatest = {
            "paper": self.base_ratio,
            "poster": 0.3,
            "code": self.ratio_range[1] + self.ratio_step,
        }[self.ratio]
        bound = (num_classes - 1) / num_classes
        if self.label_regularization and greatest >= bound:
            raise ConfigurationError(
                f"Expected mask ratios below (K - 1) / K = {bound:.3f}, so "
                f"that labels keep their class. Received: up to {greatest}"
            )

    def trainable_beside(self, k):
        return self.decoders[k].trainable_variables if self.decoders else []

    def views(self, network, views, seed):
        """Masked copies with regularised labels: Algorithm 1, lines 4, 5, 7.

        Args:
            network: `keras.Model`, the network in training.
            views: `Views`; its `outputs`, if given, are not computed again.
            seed: int32 `[2]`, seed of the masks.

        Returns:
            A list of 0, 1 or 2 `Views`.
        """
        if not (
            self.masking or self.label_regularization or self.reconstruction
        ):
            return []
        if views.outputs is None:
            views = views._replace(outputs=network(views.images, training=True))
        ratio = self._mask_ratio(views.clean_probability, seed)
        targets = views.targets
        if self.label_regularization:
            targets = masking.regularize_labels(
                targets, ratio, clip=self.clip_labels
            )
        return [
            Views(
                tf.stop_gradient(images),
                tf.stop_gradient(targets),
                views.clean_probability,
            )
            for images in self._masked(network, views, ratio, seed)
        ]

    def loss(self, k, network, originals, copies, outputs=None):
        """Eq. (9)-(10): the error of restoring the unmasked images.

        For each copy, the mean over batch, pixels and channels of the squared
        difference in standardised units; the sum over copies, as in the code.
        """
        if not self.reconstruction or not copies:
            return tf.zeros([])
        if outputs is None:
            joined = tf.concat([c.images for c in copies], axis=0)
            features = network(joined, training=True)["features"]
            features = tf.split(features, len(copies))
        else:
            features = [o["features"] for o in outputs]
        goal = head.pixel_units(network)(originals.images)
        weight = self.reconstruction_weight
        full = self.decoder_gradient == "full"
        if full:
            features = [gradients.scale_gradient(f, weight) for f in features]
        errors = [
            tf.reduce_mean(tf.square(self.decoders[k](f) - goal))
            for f in features
        ]
        error = tf.add_n(errors)
        # With "full", the gradient is weighted already, the value is not.
        return gradients.scale_value(error, weight) if full else weight * error

    def activation_map(self, network, outputs, images=None):
        """The map whose peak is hidden.

        Args:
            network: `keras.Model`, the network.
            outputs: dict of tensors, its outputs for B images.
            images: float32 `[B, H, W, C]`, these images, which a `mask_network`
                needs.

        Returns:
            float32 `[B, h, w]`.
        """
        classes, mask_network = None, self.mask_network
        if mask_network is not None:
            if mask_networks.shares_classes(mask_network, network):
                classes = tf.argmax(outputs["logits"], axis=1)
            outputs = mask_networks.outputs(mask_network, network, images)
            network = mask_network
        if self.activation == "energy":
            features = tf.cast(outputs["features"], tf.float32)
            return masking.energy_map(features)
        return mask_networks.class_map(network, outputs, classes)

    def _mask_ratio(self, clean_probability, seed):
        """Eq. (2) and its variants: `[B]`."""
        if self.ratio == "paper":
            return masking.mask_ratio(clean_probability, self.base_ratio)
        if self.ratio == "poster":
            return tf.where(clean_probability > 0.5, 0.2, 0.3)
        low, high = self.ratio_range
        draw = random.uniform(
            [clean_probability.shape[0]], random.fold_in(seed, 0)
        )
        return (
            low
            + (high - low) * draw
            + masking.mask_ratio(clean_probability, self.ratio_step)
        )

    def _masked(self, network, views, ratio, seed):
        """Eq. (1), (3)-(5): the masked images of each copy."""
        if not self.masking:
            return [views.images] * self.masked_copies
        batch, height, width, _ = views.images.shape
        draw = random.uniform([batch], random.fold_in(seed, 1))
        delta = self.aspect_delta
        aspect = delta + draw * (1.0 / delta - delta)
        activation = self.activation_map(network, views.outputs, views.images)
        make_boxes = {
            "center": masking.mask_boxes,
            "corner": masking.corner_boxes,
        }[self.box]
        fill = self._fill(network, views.images, random.fold_in(seed, 2))
        copies = []
        # The released code's second copy hides the least active region.
        for signed in (activation, -activation)[: self.masked_copies]:
            boxes = make_boxes(
                signed, self.area_scale * ratio, aspect, (height, width)
            )
            copies.append(masking.fill_boxes(views.images, boxes, fill))
        return copies

    def _fill(self, network, images, seed):
        units = head.pixel_units(network)
        batch, _, _, channels = images.shape
        if self.fill == "channel":
            draw = random.uniform([batch, 1, 1, channels], seed)
            return units.inverse(draw)
        return units.pixel_scale * random.uniform(images.shape, seed)

    def get_config(self):
        settings = serialization.settings(self.settings)
        given = self.mask_network
        if given is not None and not isinstance(given, str):
            given = keras.saving.serialize_keras_object(given)
        return {**super().get_config(), **settings, "mask_network": given}
