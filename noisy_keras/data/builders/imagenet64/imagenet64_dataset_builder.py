"""The TFDS builder of ImageNet64. The README.md here describes the data set."""

from noisy_keras.data.builders import imagenet_builder
from noisy_keras.data.layouts import imagenet


class Builder(imagenet_builder.ImageNetBuilder):
    """TFDS builder of ImageNet64."""

    SIZE = 64
    MANUAL_DOWNLOAD_INSTRUCTIONS = imagenet.manual(SIZE)
