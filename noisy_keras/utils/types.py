"""Types that appear in the signatures of several folders."""

import numpy.typing as npt
import tensorflow as tf

#: Tensors, and whatever TensorFlow converts to one: NumPy arrays, variables,
#: Python numbers and nested lists of them.
TensorLike = tf.types.experimental.TensorLike

#: Arrays, and the objects that NumPy converts to one: Python numbers and nested
#: lists of them.
ArrayLike = npt.ArrayLike
