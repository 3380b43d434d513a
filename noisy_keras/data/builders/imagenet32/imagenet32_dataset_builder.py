"""ImageNet32 for TFDS; see README.md beside this file."""

from noisy_keras.data.builders import imagenet_builder
from noisy_keras.data.layouts import imagenet


class Builder(imagenet_builder.ImageNetBuilder):
    """TFDS builder of ImageNet32."""

    SIZE = 32
    MANUAL_DOWNLOAD_INSTRUCTIONS = imagenet.manual(SIZE)
