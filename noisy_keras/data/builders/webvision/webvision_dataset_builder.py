"""The TFDS builder of WebVision 1.0. The README.md here describes the data."""

import tensorflow_datasets as tfds

from noisy_keras.data import layouts
from noisy_keras.data.builders import imagenet_builder
from noisy_keras.data.builders import layout_builder
from noisy_keras.data.layouts import webvision
from noisy_keras.utils.errors import ConfigurationError


class Builder(layout_builder.LayoutBuilder):
    """TFDS builder of WebVision 1.0 and mini-WebVision."""

    HOMEPAGE = "https://data.vision.ee.ethz.ch/cvl/webvision/"
    MANUAL_DOWNLOAD_INSTRUCTIONS = webvision.MANUAL
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="full", description="all 1,000 classes"),
        tfds.core.BuilderConfig(
            name="mini",
            description="mini-WebVision: the first 50 classes, images found by "
            "Google only",
        ),
    ]

    def _layout(self):
        mini = self.builder_config.name == "mini"
        return layouts.BY_NAME["mini_webvision" if mini else "webvision"]

    def _label_feature(self):
        # Class names come from a file that some copies lack.
        mini = self.builder_config.name == "mini"
        count = webvision.MINI_NUM_CLASSES if mini else webvision.NUM_CLASSES
        return tfds.features.ClassLabel(num_classes=count)

    def _check_class_names(self, root, listing):
        synsets, _ = webvision.read_synsets(root)
        if synsets is None:
            return
        published = sorted(imagenet_builder.synsets())
        wrong = [
            f"{synset} instead of {right} for label {label}"
            for label, (synset, right) in enumerate(
                zip(synsets, published, strict=True)
            )
            if synset != right
        ]
        if wrong:
            raise ConfigurationError(
                "Expected ImageNet's synset ids in their order in "
                f"info/synsets.txt of {root}. Received: {len(wrong)} other: "
                f"{', '.join(wrong[:3])}"
            )
        for name in ("label", "clean_label"):
            self.info.features[name].names = list(listing.class_names)
