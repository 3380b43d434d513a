"""What was predicted for each sample before the network was trained on it."""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

# The least probability of which a logarithm is taken.
_LEAST = 1e-7
# The key of `progress` in a file.
_PROGRESS = "progress"
# Size in bytes from which on a history is large.
_LARGE = 2**30


@keras.saving.register_keras_serializable(package="noisy_keras")
class PredictionHistory(SampleTable):
    """The weighted sum of the predictions for each sample: rows `[N, K]`.

    A network that has memorised all labels has a low loss on each of them; its
    earlier predictions still separate right labels from wrong ones.

    Args:
        num_samples: int, number of samples N.
        width: int, number of classes K.
        decay: float in (0, 1], what a new prediction leaves of the weight of
            the earlier ones: 1 weights all alike, 0.9 about the last ten.
        **kwargs: arguments of `keras.layers.Layer`.

    Attributes:
        progress: float32 `[E, 2]`, how far predictions had come in earlier
            epochs: see `noisy_keras.labels.noise_rate.note_progress`. It is
            saved with the table.

    Example:
        >>> history = PredictionHistory(2, 2)
        >>> history.add([0], [[0.5, 0.5]])
        >>> history.add([0], [[0.0, 1.0]])
        >>> history.mean()
        array([[0.25, 0.75],
               [0.  , 0.  ]], dtype=float32)
        >>> history.loss([1, 0]).round(3)
        array([0.288,   nan], dtype=float32)
    """

    def __init__(self, num_samples, width, decay=1.0, **kwargs):
        super().__init__(num_samples, width, **kwargs)
        self.decay = arguments.within(0, 1, "(]")("decay", decay)
        self.progress = np.zeros((0, 2), np.float32)

    def save_own_variables(self, store):
        _save(self, store, super().save_own_variables)

    def load_own_variables(self, store):
        _load(self, store, super().load_own_variables)

    def add(self, index, predictions):
        """Adds predictions to their rows.

        Args:
            index: int `[B]`, positions of the samples.
            predictions: float `[B, K]`, distributions.
        """
        self.write(index, self.decay * self.read(index) + predictions)

    def forget(self, index, classes):
        """Takes what was predicted of some classes out of rows.

        The rest is scaled, so that the total weight of a row stays.

        Args:
            index: int `[B]`, positions of the samples.
            classes: int `[B]`, a class for each.
        """
        rows = self.numpy()
        index, classes = np.asarray(index), np.asarray(classes)
        own = rows[index]
        total = own.sum(axis=1, keepdims=True)
        own[np.arange(len(own)), classes] = 0.0
        left = own.sum(axis=1, keepdims=True)
        # Where nothing else was predicted, all other classes are alike.
        even = np.ones_like(own)
        even[np.arange(len(own)), classes] = 0.0
        own = np.where(left > 0.0, own, even)
        left = own.sum(axis=1, keepdims=True)
        rows[index] = total * own / np.maximum(left, _LEAST)
        self.assign(rows)

    def weight(self, index):
        """The total weight of the predictions in rows; the last has weight 1.

        Args:
            index: int `[B]`, positions of the samples.

        Returns:
            float32 `[B]`; 0 where there is no prediction.
        """
        return tf.reduce_sum(self.read(index), axis=1)

    def mean(self):
        """Mean predictions: float32 `[N, K]`; zeros where there is none."""
        return _mean(self.numpy())

    def likely(self):
        """The mean predictions of the classes that are kept.

        Returns:
            float32 `[N, J]`, mean probabilities, and int `[J]` or `[N, J]`,
            the classes that they are of; here all K.
        """
        return self.mean(), np.arange(self.width)

    def targets(self, index):
        """The mean predictions of a batch, to train on.

        Args:
            index: int `[B]`, positions of the samples.

        Returns:
            float32 `[B, K]`; zeros where there is no prediction.
        """
        rows = self.read(index)
        return tf.math.divide_no_nan(
            rows, tf.reduce_sum(rows, axis=1, keepdims=True)
        )

    def seen(self):
        """Whether there is a prediction for each sample: bool `[N]`."""
        return self.numpy().any(axis=1)

    def loss(self, labels):
        """Cross-entropy of the mean predictions to labels.

        Args:
            labels: int `[N]`.

        Returns:
            float32 `[N]` in nats, NaN where there is no prediction.
        """
        return mean_loss(self.numpy(), labels)

    def best(self):
        """The likeliest classes of the mean predictions.

        Returns:
            int32 `[N]`, the classes, and float32 `[N]`, their probabilities.
        """
        mean = self.mean()
        return mean.argmax(axis=1).astype(np.int32), mean.max(axis=1)

    def likeliest_other(self, labels):
        """The share of the likeliest of all classes but that of the label.

        Args:
            labels: int `[N]`.

        Returns:
            float32 `[N]` in `[0, 1]`: its mean probability over the sum of
            those of all classes but that of the label; 0 where there is no
            prediction.
        """
        mean = self.mean()
        mean[np.arange(len(mean)), np.asarray(labels)] = 0.0
        return mean.max(axis=1) / np.maximum(mean.sum(axis=1), _LEAST)

    def margin(self, labels, classes=None):
        """How much likelier the label is than the likeliest other class.

        Each class is taken relative to the mean confidence in it for samples
        with that given label: `log(p_y / t_y) - max_k log(p_k / t_k)`, where t
        are the thresholds of confident learning (Northcutt et al. 2021,
        equation 2). Some of several similar classes are predicted with less
        confidence than others, and losses alone do not separate wrong labels
        from such classes.

        Args:
            labels: int `[N]`, the given labels.
            classes: int `[N]`, the classes whose margins are wanted, or None
                for those of the labels; labels still decide the thresholds.

        Returns:
            float32 `[N]`, below 0 where another class is likelier; NaN where
            there is no prediction.
        """
        mean, labels = self.mean(), np.asarray(labels)
        rows = np.arange(len(mean))
        seen = self.seen()
        certainty = thresholds(mean[rows, labels], labels, seen, self.width)
        relative = np.log(np.maximum(mean, _LEAST)) - np.log(certainty)
        wanted = labels if classes is None else np.asarray(classes)
        given = relative[rows, wanted]
        relative[rows, wanted] = -np.inf
        margin = given - relative.max(axis=1)
        return np.where(seen, margin, np.nan).astype(np.float32)

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


@keras.saving.register_keras_serializable(package="noisy_keras")
class LikelyHistory(SampleTable):
    """A `PredictionHistory` of the likeliest classes of each sample alone.

    For data whose N x K predictions need too much memory. A row has the total
    weight of the predictions, the sums of the `kept` likeliest classes, and the
    numbers of these classes: `[N, 1 + 2 * kept]`. Sums of other classes are
    discarded; the rest of the mean is distributed evenly over these.

    Args:
        num_samples: int, number of samples N.
        num_classes: int, number of classes K, at most 2^24.
        decay: float in (0, 1], as of `PredictionHistory`.
        kept: int, number of classes per sample, at most K.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    def __init__(self, num_samples, num_classes, decay=1.0, kept=16, **kwargs):
        self.kept = min(arguments.at_least(1, int)("kept", kept), num_classes)
        super().__init__(num_samples, 1 + 2 * self.kept, **kwargs)
        self.num_classes = num_classes
        self.decay = arguments.within(0, 1, "(]")("decay", decay)
        self.progress = np.zeros((0, 2), np.float32)

    def save_own_variables(self, store):
        _save(self, store, super().save_own_variables)

    def load_own_variables(self, store):
        _load(self, store, super().load_own_variables)

    def add(self, index, predictions):
        """As `PredictionHistory.add`."""
        weight, sums, classes = tf.split(
            self.read(index), [1, self.kept, self.kept], axis=1
        )
        count = tf.shape(sums)[0]
        rows = tf.repeat(tf.range(count)[:, None], self.kept, axis=1)
        places = tf.stack([rows, tf.cast(classes, tf.int32)], axis=2)
        # Empty places have class 0 and a sum of 0, which changes nothing.
        total = tf.tensor_scatter_nd_add(predictions, places, self.decay * sums)
        sums, classes = tf.math.top_k(total, self.kept)
        parts = [self.decay * weight + 1.0, sums, tf.cast(classes, tf.float32)]
        self.write(index, tf.concat(parts, axis=1))

    def forget(self, index, classes):
        """As `PredictionHistory.forget`; others than kept get what it had."""
        rows, index = self.numpy(), np.asarray(index)
        own = rows[index]
        sums, kept = np.split(own[:, 1:], 2, axis=1)
        sums[(kept == np.asarray(classes)[:, None]) & (sums > 0.0)] = 0.0
        order = np.argsort(-sums, axis=1, kind="stable")
        own[:, 1:] = np.concatenate(
            [np.take_along_axis(part, order, axis=1) for part in (sums, kept)],
            axis=1,
        )
        rows[index] = own
        self.assign(rows)

    def weight(self, index):
        """As `PredictionHistory.weight`."""
        return self.read(index)[:, 0]

    def likely(self):
        """As `PredictionHistory.likely`, of the classes that are kept."""
        mean, classes = self._mean()
        return mean, classes.astype(np.int64)

    def targets(self, index):
        """As `PredictionHistory.targets`, of the classes that are kept."""
        _, sums, classes = tf.split(
            self.read(index), [1, self.kept, self.kept], axis=1
        )
        share = tf.math.divide_no_nan(
            sums, tf.reduce_sum(sums, axis=1, keepdims=True)
        )
        count = tf.shape(sums)[0]
        rows = tf.repeat(tf.range(count)[:, None], self.kept, axis=1)
        places = tf.stack([rows, tf.cast(classes, tf.int32)], axis=2)
        # Empty places have class 0 and a share of 0, which adds nothing.
        return tf.tensor_scatter_nd_add(
            tf.zeros([count, self.num_classes]), places, share
        )

    def seen(self):
        """As `PredictionHistory.seen`."""
        return self.numpy()[:, 0] > 0.0

    def loss(self, labels):
        """As `PredictionHistory.loss`."""
        mean, classes = self._mean()
        outside = max(self.num_classes - self.kept, 1)
        rest = np.maximum(1.0 - mean.sum(axis=1), 0.0) / outside
        here = classes == np.asarray(labels)[:, None]
        # Empty places have class 0, with a sum of 0.
        given = np.where(here.any(axis=1), (mean * here).sum(axis=1), rest)
        loss = -np.log(np.maximum(given, _LEAST))
        return np.where(self.seen(), loss, np.nan).astype(np.float32)

    def best(self):
        """As `PredictionHistory.best`."""
        mean, classes = self._mean()
        return classes[:, 0].astype(np.int32), mean[:, 0]

    def likeliest_other(self, labels):
        """As `PredictionHistory.likeliest_other`."""
        mean, classes = self._mean()
        given = np.exp(-self.loss(labels))
        others = np.where(classes == np.asarray(labels)[:, None], 0.0, mean)
        part = others.max(axis=1) / np.maximum(1.0 - given, _LEAST)
        part = np.where(self.seen(), np.minimum(part, 1.0), 0.0)
        return part.astype(np.float32)

    def margin(self, labels, classes=None):
        """As `PredictionHistory.margin`, among the classes that are kept."""
        mean, kept = self._mean()
        labels, seen = np.asarray(labels), self.seen()
        given = np.exp(-self.loss(labels))
        certainty = thresholds(given, labels, seen, self.num_classes)
        wanted = labels if classes is None else np.asarray(classes)
        if classes is not None:
            given = np.exp(-self.loss(wanted))
        others = np.where(kept == wanted[:, None], 0.0, mean)
        others = np.maximum(others, _LEAST) / certainty[kept.astype(int)]
        margin = np.log(given / certainty[wanted] / others.max(axis=1))
        return np.where(seen, margin, np.nan).astype(np.float32)

    def _mean(self):
        rows = self.numpy()
        sums, classes = np.split(rows[:, 1:], 2, axis=1)
        return sums / np.maximum(rows[:, :1], _LEAST), classes

    def get_config(self):
        config = super().get_config()
        del config["width"]
        own = ("num_classes", "decay", "kept")
        return {**config, **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable(package="noisy_keras")
class LabelHistory(SampleTable):
    """In how many epochs each given label was the predicted class.

    Rows `[N, 2]`: the number of predictions, and the number of those that were
    the given label.

    Args:
        num_samples: int, number of samples N.
        **kwargs: arguments of `keras.layers.Layer`.

    Example:
        >>> history = LabelHistory(3)
        >>> history.add([0, 2], [[0.2, 0.8], [0.6, 0.4]], [1, 1])
        >>> history.add([0], [[0.7, 0.3]], [1])
        >>> history.share()
        array([0.5, nan, 0. ], dtype=float32)
        >>> history.epochs()
        array([2, 0, 1], dtype=int32)
    """

    def __init__(self, num_samples, **kwargs):
        super().__init__(num_samples, 2, **kwargs)

    def add(self, index, predictions, labels):
        """Counts the predictions of a batch.

        Args:
            index: int `[B]`, positions of the samples.
            predictions: float `[B, K]`, probabilities or logits.
            labels: int `[B]`, the given labels.
        """
        top = tf.argmax(predictions, axis=1, output_type=tf.int32)
        same = tf.cast(tf.equal(top, tf.cast(labels, tf.int32)), tf.float32)
        more = tf.stack([tf.ones_like(same), same], axis=1)
        self.write(index, self.read(index) + more)

    def add_all(self, predicted, labels):
        """Counts one prediction for every sample.

        Args:
            predicted: int `[N]`, the predicted classes.
            labels: int `[N]`, the given labels.
        """
        same = np.asarray(predicted) == np.asarray(labels)
        self.count(np.arange(self.num_samples), same)

    def count(self, index, same):
        """Counts one prediction for each of some samples.

        Args:
            index: int `[n]`, positions of the samples, each once.
            same: bool `[n]`, whether the given label was predicted.
        """
        counts = np.array(self.numpy())
        counts[index] += np.stack([np.ones(len(same)), same], axis=1)
        self.assign(counts)

    def clear(self):
        """Sets all counts to 0."""
        self.assign(np.zeros((self.num_samples, self.width)))

    def epochs(self):
        """The number of predictions: int32 `[N]`."""
        return self.numpy()[:, 0].astype(np.int32)

    def share(self):
        """The share of predictions that were the given label.

        Returns:
            float32 `[N]` in `[0, 1]`, NaN where there is no prediction.
        """
        count, same = self.numpy().T
        share = same / np.maximum(count, 1.0)
        return np.where(count > 0.0, share, np.nan).astype(np.float32)

    def get_config(self):
        config = super().get_config()
        return {name: config[name] for name in ("num_samples", "name")}


def history_of(num_samples, num_classes, decay=1.0, name=None):
    """Makes a history that fits into memory.

    Args:
        num_samples: int, number of samples N.
        num_classes: int, number of classes K.
        decay: float in (0, 1], as of `PredictionHistory`.
        name: str, name of the layer.

    Returns:
        A `PredictionHistory`, or above 1 GiB a `LikelyHistory`.
    """
    large = 4 * num_samples * num_classes > _LARGE
    kind = LikelyHistory if large else PredictionHistory
    return kind(num_samples, num_classes, decay=decay, name=name)


def mean_loss(total, labels):
    """Cross-entropy of mean predictions to labels.

    Args:
        total: float `[N, K]`, rows of a `PredictionHistory`.
        labels: int `[N]`.

    Returns:
        float32 `[N]` in nats, NaN where there is no prediction.
    """
    given = np.take_along_axis(_mean(total), np.asarray(labels)[:, None], 1)
    loss = -np.log(np.maximum(given[:, 0], _LEAST))
    return np.where(total.any(axis=1), loss, np.nan).astype(np.float32)


def thresholds(given, labels, seen, num_classes):
    """Mean confidence in each class for samples with that given label.

    Args:
        given: float `[N]`, mean probabilities of the given labels.
        labels: int `[N]`, the given labels.
        seen: bool `[N]`, samples to be averaged over.
        num_classes: int, number of classes K.

    Returns:
        float64 `[K]` above 0; for classes without samples, the mean over all
        samples.
    """
    given, labels = np.asarray(given, np.float64)[seen], labels[seen]
    count = np.bincount(labels, minlength=num_classes)
    total = np.bincount(labels, given, minlength=num_classes)
    whole = given.mean() if len(given) else 1.0
    certainty = np.where(count > 0, total / np.maximum(count, 1), whole)
    return np.maximum(certainty, _LEAST)


def _mean(total):
    count = total.sum(axis=1, keepdims=True)
    return total / np.maximum(count, 1e-12)


def _save(history, store, save):
    save(store)
    if len(history.progress):
        store[_PROGRESS] = history.progress


def _load(history, store, load):
    # Files of version 0.1.0 have none; a store is not quite a dict.
    names = list(store.keys())
    history.progress = np.zeros((0, 2), np.float32)
    if _PROGRESS in names:
        history.progress = np.asarray(store[_PROGRESS], np.float32)
        store = {name: store[name] for name in names if name != _PROGRESS}
    load(store)
