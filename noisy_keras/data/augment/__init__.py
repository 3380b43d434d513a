"""Random views of images, computed in batches with an own draw per image.

Every view is a pure function of the images and one seed, so a data pipeline
can be resumed at any step. Views run inside `tf.data`, on the CPU.
"""

from noisy_keras.data.augment.custom import CustomView
from noisy_keras.data.augment.custom import make_view
from noisy_keras.data.augment.custom import view_rule
from noisy_keras.data.augment.vectors import FeatureAugmentation
from noisy_keras.data.augment.vectors import make_view as make_feature_view
from noisy_keras.data.augment.views import VIEWS
from noisy_keras.data.augment.views import Augmentation
from noisy_keras.data.augment.views import view

__all__ = [
    "VIEWS",
    "Augmentation",
    "CustomView",
    "FeatureAugmentation",
    "make_feature_view",
    "make_view",
    "view",
    "view_rule",
]
