"""One run of a purification: its state and its measurements."""

import functools
import time

import numpy as np
import tensorflow as tf

from noisy_keras.methods.dmlp import choice
from noisy_keras.methods.dmlp import noise
from noisy_keras.methods.dmlp.features import FixedFeatures
from noisy_keras.methods.dmlp.layout import Layout
from noisy_keras.methods.dmlp.result import PurifiedLabels
from noisy_keras.methods.dmlp.result import predictions
from noisy_keras.methods.dmlp.state import State
from noisy_keras.methods.dmlp.steps import compiled
from noisy_keras.methods.dmlp.steps import step_settings
from noisy_keras.methods.dmlp.view import View
from noisy_keras.ops import ridge as ridge_ops
from noisy_keras.utils import checks as label_checks
from noisy_keras.utils.errors import ConfigurationError

#: Seconds between saves: an interrupted run repeats at most this much work.
SECONDS_BETWEEN_SAVES = 15.0


class Run:
    """A purification from its data to its result.

    Args:
        settings: `LabelPurifier`, the settings.
        data: `Data`, the checked data.
        tracked: test features and labels, as returned by `Data.tracked`, or
            None.

    Attributes:
        epoch: int, the next epoch, counted from 0.
        done: bool, whether the run has stopped early, see `patience` of
            `LabelPurifier`.
        views: list of `View`s.
        steps: `Steps`, the compiled steps.
        targets: float32 `[V, K]`, one-hot labels of the trusted samples that
            are not held out.
        noise: `NoiseEstimate` of the given labels.
        history: dict from names of measurements to lists of floats, a value
            per epoch.
        best: `Best`, the best state of each candidate.
    """

    def __init__(self, settings, data, tracked=None):
        self.settings, self.data, self._tracked = settings, data, tracked
        self.epoch, self.done = 0, False
        self.history, self.best, self._state = {}, choice.Best(), None
        labels, held = data.trusted_labels, data.held_labels
        self.targets = tf.one_hot(labels[data.learned], data.source.num_classes)
        self._held = [view[data.held] for view in data.trusted]
        self._fix_batches()
        self.noise = noise.given_noise(
            self._fixed[0], self._layout, data.start, data.trusted[0], labels
        )
        starts = noise.noisy_labels(
            held, self.noise.transition, settings.seed + 1
        )
        followers = np.eye(data.source.num_classes, dtype=np.float32)[starts]
        self._follower_labels = np.repeat(held, noise.FOLLOWERS)
        if len(held):
            found = choice.quality(followers, self._follower_labels)
            self.best.offer("given", found, -1, lambda: [])
        # Positions of the features of each view: the same twice for twins.
        twins = 2 if settings.twin_views and len(self._fixed) == 1 else 1
        self._view_of = list(range(len(self._fixed))) * twins
        self.views = [
            View(
                self._fixed[v],
                data.trusted[v][data.learned],
                self._layout.spread(data.start, followers),
                settings.seed + 2 + number,
            )
            for number, v in enumerate(self._view_of)
        ]
        self.steps = compiled(
            step_settings(settings, self._prior(), self._layout.slices)
        )

    def _fix_batches(self):
        settings, source = self.settings, self.data.source
        self._layout = Layout.at_random(
            source.num_samples,
            noise.FOLLOWERS * len(self.data.held),
            settings.batch_size,
            settings.classifier_batch_size,
            settings.seed,
        )
        counted = np.ones(source.num_samples, bool)
        counted[list(self.data.known)] = False
        self._fixed = []
        for view, held in zip(self.data.features, self._held, strict=True):
            followers = np.repeat(held, noise.FOLLOWERS, axis=0)
            self._fixed.append(
                FixedFeatures(
                    view, self._layout, followers, counted, settings.ridge
                )
            )

    def _prior(self):
        prior, labels = self.settings.prior, self.data.trusted_labels
        num_classes = self.data.source.num_classes
        if prior == "uniform":
            return np.full(num_classes, 1.0 / num_classes)
        if prior == "validation":
            return np.bincount(labels, minlength=num_classes) / len(labels)
        if prior == "estimated":
            return self.noise.joint.sum(axis=0)
        if len(prior) != num_classes:
            raise ConfigurationError(
                f"Expected `prior` to have a share for each of {num_classes} "
                f"classes. Received: {len(prior)} shares"
            )
        return np.asarray(prior)

    @property
    def num_batches(self):
        """int, number of batches."""
        return len(self._layout.samples)

    @property
    def names(self):
        """List of strings, names of the values measured in each epoch."""
        found = ["loss", "classifier_loss"]
        if len(self.data.held):
            found += [f"held_out_{c}" for c in choice.CANDIDATES[1:]]
        if self._tracked:
            found += ["test_response", "test_classifier"]
        return found + ["label_accuracy"] * bool(len(self.data.truth))

    def open(self, directory):
        """Opens the folder of the state, and resumes if it has one.

        Args:
            directory: str or path, folder that is created if missing; None
                keeps nothing.

        Raises:
            ValueError: If the folder has the state of another purification.
        """
        if directory is None:
            return
        config = {
            "settings": self.settings.settings,
            "data": self.data.fingerprint(),
        }
        self._state = State(directory, config)
        self._saved = time.monotonic()
        found = self._state.read()
        if found is None:
            return
        progress, arrays = found
        self.epoch, self.done = progress["epoch"], progress["done"]
        self.history = progress["history"]
        for number, view in enumerate(self.views):
            view.restore(arrays[f"view_{number}"])
        self.best.restore(progress["best"], arrays.get("best", {}))

    def save(self):
        """Writes the state at the end, or if the last save is old enough."""
        last = self.done or self.epoch == self.settings.epochs
        if self._state is None:
            return
        late = time.monotonic() - self._saved >= SECONDS_BETWEEN_SAVES
        if not (last or late):
            return
        best, kept = self.best.state()
        progress = {
            "epoch": self.epoch,
            "done": self.done,
            "history": self.history,
            "best": best,
        }
        views = {f"view_{n}": view.state() for n, view in enumerate(self.views)}
        self._state.write(progress, {"best": kept, **views})
        self._saved = time.monotonic()

    def visit(self, k, rates):
        """Visits a batch in each view. Views are independent of each other.

        Args:
            k: int, number of the batch.
            rates: float32 tensor `[2]`, learning rates of labels and auxiliary
                classifier.

        Returns:
            List of pairs of scalar tensors, one per view: the loss on trusted
            samples, and that of the auxiliary classifier.
        """
        visits = self.steps.visit(
            tuple(view.batch(k) for view in self.views),
            tuple(view.changing(k) for view in self.views),
            self.targets,
            rates,
        )
        return [
            view.keep(self.steps, k, visit, rates[0])
            for view, visit in zip(self.views, visits, strict=True)
        ]

    def substitute(self):
        """Line 15: corrects each view's labels by the other's classifier."""
        for view, teacher in zip(
            self.views, self.views[1:] + self.views[:1], strict=True
        ):
            view.substitute(
                self.steps,
                teacher,
                tf.constant(self.settings.substitution_rate, tf.float32),
            )

    def measure(self, epoch, losses):
        """Measures the state after an epoch, and keeps the best states.

        Args:
            epoch: int, number of the epoch, counted from 0.
            losses: list of pairs of scalars, the losses of each visit, see
                `visit`.

        Returns:
            dict from `names` to floats.

        Raises:
            FloatingPointError: If a loss is NaN or infinite.
        """
        found = np.mean([[float(v) for v in pair] for pair in losses], axis=0)
        if not np.isfinite(found).all():
            raise FloatingPointError(
                f"The losses are NaN or infinite in epoch {epoch + 1}: the "
                "purification has diverged. Lower label_learning_rate="
                f"{self.settings.label_learning_rate:g}."
            )
        solved = {
            "response": [view.mean_weights() for view in self.views],
            "classifier": [view.classifier.numpy() for view in self.views],
        }
        values = dict(zip(self.names, found.tolist(), strict=False))
        qualities = dict.fromkeys(choice.CANDIDATES[1:], (float(epoch), 0.0))
        if len(self.data.held):
            qualities["labels"] = choice.quality(
                self._table("followers", self._rows("followers")),
                self._follower_labels,
            )
            for name, weights in solved.items():
                qualities[name] = choice.quality(
                    self._predictions(name, weights, self._held),
                    self.data.held_labels,
                )
            for name, (accuracy, _) in qualities.items():
                values[f"held_out_{name}"] = accuracy
        rows = functools.partial(self._rows, "samples")
        self.best.offer("labels", qualities["labels"], epoch, rows)
        for name, weights in solved.items():
            self.best.offer(name, qualities[name], epoch, lambda w=weights: w)
        if self._tracked:
            views, labels = self._tracked
            for name, weights in solved.items():
                predicted = self._predictions(name, weights, views)
                right = predicted.argmax(axis=1) == labels
                values[f"test_{name}"] = float(right.mean())
        if len(self.data.truth):
            rows = self.data.truth
            table = self._table("samples", self._rows("samples"))
            labels = table[rows].argmax(axis=1)
            right = labels == self.data.source.true_labels[rows]
            values["label_accuracy"] = float(right.mean())
        # A resumed run may have test samples where the interrupted one had
        # none, or the reverse; missing values are NaN.
        for name in [*values, *(n for n in self.history if n not in values)]:
            series = self.history.setdefault(name, [float("nan")] * epoch)
            series.append(values.get(name, float("nan")))
        self.epoch = epoch + 1
        patience = self.settings.patience
        if patience and len(self.data.held):
            self.done = epoch - self.best.last_gain() >= patience
        return values

    def _rows(self, name):
        """The label table's rows of `"samples"` or `"followers"`, by view."""
        places = self._layout.places(name)
        return [
            np.stack([labels.numpy()[places] for labels in view.labels])
            for view in self.views
        ]

    def _table(self, name, views):
        """Rows of the label table as distributions, averaged over views."""
        total = 0.0
        for rows in views:
            flat = tf.reshape(rows, [-1, rows.shape[-1]])
            total += ridge_ops.as_distributions(flat).numpy()
        table = np.reshape(total / len(views), rows.shape)
        return self._layout.gather(name, table)

    def _predictions(self, name, weights, views):
        views = [views[v] for v in self._view_of]
        return predictions(weights, views, regresses=name == "response")

    def result(self):
        """The result, `PurifiedLabels`."""
        source, best, export = self.data.source, self.best, self.settings.export
        name = best.winner() if export == "best" else export
        labels = np.array(self._labels_of(name), np.float32)
        for row, label in self.data.known.items():
            labels[row] = np.eye(source.num_classes)[label]
        held = len(self.data.held) > 0
        # Without held-out samples, the classifier that the released code
        # evaluates.
        better = "classifier"
        if held:
            better = max(("response", better), key=lambda n: best.quality[n])
        return PurifiedLabels(
            ids=source.ids,
            given_label=source.labels,
            labels=label_checks.soft_labels(labels, source.num_classes),
            class_names=source.class_names,
            candidate=name,
            epoch=best.epoch[name],
            held_out_accuracy={
                c: best.quality[c][0] for c in choice.CANDIDATES if held
            },
            noise=self.noise,
            condition_number=max(f.condition_number for f in self._fixed),
            ridge=max(f.ridge for f in self._fixed),
            history=dict(self.history),
            classifiers=list(best.kept[better]),
            regresses=better == "response",
            twin_views=len(self.views) > len(self._fixed),
        )

    def _labels_of(self, candidate):
        kept = self.best.kept[candidate]
        if candidate == "given":
            return self.data.start
        if candidate == "labels":
            return self._table("samples", kept)
        return self._predictions(candidate, kept, self.data.features)
