"""TFDS builders. Importing this package registers them with `tfds.load`.

    import noisy_keras.data.builders
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(manual_dir="clothing1m/")
    train = tfds.load(
        "clothing1m",
        split="train",
        download_and_prepare_kwargs={"download_config": config},
    )

On the command line: `python -m noisy_keras.data.builders --help`.
"""

from noisy_keras.data.builders.animal10n import animal10n_dataset_builder
from noisy_keras.data.builders.clothing1m import clothing1m_dataset_builder
from noisy_keras.data.builders.food101n import food101n_dataset_builder
from noisy_keras.data.builders.imagenet32 import imagenet32_dataset_builder
from noisy_keras.data.builders.imagenet64 import imagenet64_dataset_builder
from noisy_keras.data.builders.webvision import webvision_dataset_builder

__all__ = ["BY_NAME"]

BY_NAME = {
    module.Builder.name: module.Builder
    for module in (
        animal10n_dataset_builder,
        clothing1m_dataset_builder,
        food101n_dataset_builder,
        imagenet32_dataset_builder,
        imagenet64_dataset_builder,
        webvision_dataset_builder,
    )
}
