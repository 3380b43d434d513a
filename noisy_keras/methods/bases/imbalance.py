"""Classes of different sizes: weights, balanced sampling, logit adjustment.

1. `class_weight` multiplies the loss of a sample by the weight of its given
   class, as Keras' `fit` does; `"balanced"` weighs a class by `N / (K n_c)`.
2. `sampling="balanced"` shows every class equally often. The samples of a class
   take turns over the epochs, so that each is seen.
3. Logit adjustment with the share `pi_c` of each given class: `"loss"` trains
   on `z_c + tau log pi_c` and predicts by z; `"post_hoc"` trains on z and
   predicts by `z_c - tau log pi_c`. Both aim at the balanced accuracy.

Reference: Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021,
equations (9) and (10). Shares are those of the given, noisy labels.
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data import batches
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

#: The value of `class_weight` and of `sampling`.
BALANCED = "balanced"
#: The values of `logit_adjustment`.
LOSS, POST_HOC = "loss", "post_hoc"


def weight_rule(name, value):
    """Rule of `class_weight`: None, `"balanced"`, or a weight per class.

    Args:
        name: str, name of the argument.
        value: None; `"balanced"`; or dict from classes, ints from 0, to floats
            of at least 0. Classes that are not in it have weight 1.

    Returns:
        None, `"balanced"`, or the dict.

    Raises:
        ConfigurationError: anything else.
    """
    if value is None or value == BALANCED:
        return value
    try:
        # Keys of a saved configuration are strings.
        found = {int(k): float(v) for k, v in value.items()}
        fits = all(
            k >= 0 and v >= 0.0 and np.isfinite(v) for k, v in found.items()
        )
        fits = fits and any(found.values())
    except (AttributeError, TypeError, ValueError):
        fits = False
    if not fits:
        raise ConfigurationError(
            f"Expected `{name}` to be 'balanced', or a dict from the numbers "
            "of classes to weights of at least 0, not all of them 0. "
            f"Received: {name}={value!r}"
        )
    return found


#: Rules of the arguments.
RULES = {
    "class_weight": weight_rule,
    "sampling": arguments.one_of("shuffled", BALANCED),
    "logit_adjustment": arguments.optional(arguments.one_of(LOSS, POST_HOC)),
    "adjustment_strength": arguments.at_least(0),
}


class BalancedModel(NoisyLabelModel):
    """A method of one network whose loss to given labels can be balanced.

    A subclass passes the arguments of `RULES` among its settings, calls
    `keep_balance` in its constructor, and `weighted` and `adjusted` in its
    steps; its plan is a `BalancedPlan`.
    """

    def keep_balance(self):
        """Makes the weights that the arguments ask for, where they do."""
        self.class_weights = self.log_prior = None
        # Hidden from Keras, which would save the networks twice.
        self._adjusted = _Hidden()
        make = lambda name, value: self.add_weight(  # noqa: E731
            shape=(self.num_classes,),
            initializer=keras.initializers.Constant(value),
            trainable=False,
            name=name,
        )
        if self.class_weight is not None:
            self._check_classes()
            self.class_weights = make("class_weights", 1.0)
        if self.logit_adjustment is not None:
            # No class is adjusted before the shares are known.
            self.log_prior = make("log_prior", 0.0)

    def _check_classes(self):
        given = self.class_weight
        if given != BALANCED and max(given) >= self.num_classes:
            raise ConfigurationError(
                f"Expected `class_weight` of classes below {self.num_classes}. "
                f"Received: class {max(given)}"
            )

    def balance_for(self, source):
        """Sets what depends on the sizes of the classes.

        Args:
            source: `Source` to train on.
        """
        sizes = np.bincount(source.labels, minlength=self.num_classes)
        if self.class_weights is not None:
            self.class_weights.assign(class_weights(self.class_weight, sizes))
        if self.log_prior is not None:
            self.log_prior.assign(log_prior(sizes))
            # Functions that were compiled before have the old offsets.
            self.predict_function = self.test_function = None

    def weighted(self, loss, label):
        """The mean of the losses, weighted by class.

        Args:
            loss: float `[B]`, the losses.
            label: int `[B]`, the given labels.

        Returns:
            float32 scalar: the sum of weight times loss, over B.
        """
        if self.class_weights is not None:
            loss *= tf.gather(self.class_weights, label)
        return tf.reduce_mean(loss)

    def adjusted(self, logits):
        """The logits that the loss is computed of.

        Args:
            logits: float `[B, K]`.

        Returns:
            float `[B, K]`; equation (10) with `logit_adjustment="loss"`.
        """
        if self.logit_adjustment != LOSS:
            return logits
        prior = tf.cast(self.log_prior, logits.dtype)
        return logits + self.adjustment_strength * prior

    @property
    def predictors(self):
        """The networks that predict; post-hoc, with adjusted logits."""
        if self.logit_adjustment != POST_HOC:
            return self.networks
        # Also asked for where a step is traced.
        with tf.init_scope():
            offset = -self.adjustment_strength * self.log_prior.numpy()
            return self._adjusted.networks(self.networks, offset)

    def normalizing_networks(self):
        return list(self.networks)

    def logits(self, images, training=False):
        if self.logit_adjustment != POST_HOC:
            return super().logits(images, training)
        # Read from the weight, so that a compiled function sees its value.
        images = tf.cast(images, tf.float32)
        logits = self.networks[0](images, training=training)
        prior = tf.cast(self.log_prior, logits["logits"].dtype)
        return logits["logits"] - self.adjustment_strength * prior

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        self.balance_for(source)
        return BalancedPlan(self, source, batch_size, seed, steps_per_epoch)


class _Hidden:
    """Networks with a constant added to their logits, made when it changes."""

    def __init__(self):
        self._offset = self._made = None

    def networks(self, networks, offset):
        if self._made is None or not np.array_equal(offset, self._offset):
            self._offset = offset
            self._made = [_with_offset(n, offset) for n in networks]
        return self._made


def _with_offset(network, offset):
    add = keras.layers.Rescaling(
        1.0, offset.tolist(), name="logit_adjustment", dtype="float32"
    )
    outputs = dict(network.output)
    outputs["logits"] = add(outputs["logits"])
    return keras.Model(network.input, outputs, name=network.name)


class BalancedPlan(OneRoundPlan):
    """One round per epoch, in which classes may be equally frequent."""

    def sample_order(self, epoch):
        if self.model.sampling != BALANCED:
            return super().sample_order(epoch)
        order = balanced_order(
            self.source.labels[self.indices],
            self.steps * self.batch_size,
            self.seed,
            epoch,
        )
        order = self.indices[order].astype(np.int32)
        return order.reshape(self.steps, self.batch_size)


def class_weights(given, sizes):
    """The weight of each class.

    Args:
        given: `"balanced"`, or dict from classes to weights.
        sizes: int `[K]`, numbers of samples.

    Returns:
        float32 `[K]`. Balanced: `N / (K n_c)` for the K classes that have
        samples, whose mean over samples is 1.

    Example:
        >>> class_weights("balanced", np.array([6, 2]))
        array([0.6666667, 2.       ], dtype=float32)
    """
    sizes = np.asarray(sizes)
    weights = np.ones(len(sizes), np.float32)
    if given == BALANCED:
        used = sizes > 0
        weights[used] = sizes.sum() / (used.sum() * sizes[used])
    else:
        weights[list(given)] = list(given.values())
    return weights


def log_prior(sizes):
    """Logarithms of the shares of the classes.

    Args:
        sizes: int `[K]`, numbers of samples.

    Returns:
        float32 `[K]`; a class without samples counts as half a sample.
    """
    counts = np.maximum(np.asarray(sizes, np.float64), 0.5)
    return np.log(counts / counts.sum()).astype(np.float32)


def balanced_order(labels, count, seed, epoch):
    """Positions of samples, classes equally often, in random order.

    Each class has an endless stream of random permutations of its samples, of
    which an epoch takes the next. So every sample of a class is taken as often
    as any other, or once more.

    Args:
        labels: int `[n]`, the given labels.
        count: int, number of positions.
        seed: int, seed of the order.
        epoch: int, number of the epoch, from 0.

    Returns:
        int `[count]`, positions in `[0, n)`. Numbers of positions of two
        classes differ by at most 1.
    """
    labels = np.asarray(labels)
    classes = np.unique(labels)
    random = batches.order_random(seed, epoch)
    # Who gets one more takes turns, too.
    share, more = divmod(count, len(classes))
    chosen = []
    for place, k in enumerate(classes):
        own = np.flatnonzero(labels == k)
        extra = (place - epoch * more) % len(classes) < more
        begin = epoch * share + _extras(place, epoch, more, len(classes))
        chosen.append(_stream(own, begin, share + extra, seed, int(k)))
    return random.permutation(np.concatenate(chosen))


def _extras(place, epoch, more, classes):
    """How often a class got one more before an epoch."""
    earlier = np.arange(epoch)
    return int(np.sum((place - earlier * more) % classes < more))


def _stream(own, begin, count, seed, k):
    """Entries of a class's endless stream of permutations."""
    found = []
    while count > 0:
        turn, first = divmod(begin, len(own))
        # Rounds count the classes here; the first is that of the order.
        random = batches.order_random(seed, turn, k + 1)
        taken = random.permutation(own)[first : first + count]
        found.append(taken)
        begin, count = begin + len(taken), count - len(taken)
    return np.concatenate(found) if found else own[:0]
