"""Views of images: per-image random, fast on batches, seeded.

Every view is a pure function of images and one seed, so a data pipeline can be
resumed at any step. Views run inside `tf.data`, on the host.
"""

from noisy_keras.data.augment.views import VIEWS
from noisy_keras.data.augment.views import Augmentation
from noisy_keras.data.augment.views import view

__all__ = ["VIEWS", "Augmentation", "view"]
