"""Checks the data of a purification."""

import warnings

import numpy as np

from noisy_keras.core import inputs
from noisy_keras.methods.dmlp import checks
from noisy_keras.methods.dmlp import choice
from noisy_keras.utils import checks as label_checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


class Data:
    """The training and trusted samples of a purification.

    Args:
        source: `Source` of N samples, whose labels are purified.
        features: float `[N, D]`, or a list of one or two such views.
        trusted: `Source` of V samples with right labels, or their labels, int
            `[V]`.
        trusted_features: float `[V, D]`, or a list of views.
        held_out: float in [0, 1), share of the trusted samples to hold out.
        seed: int, seed of their choice.

    Attributes:
        source: the `Source`.
        features: list of views, float `[N, D]`.
        start: float32 `[N, K]`, the initial label table.
        truth: int array, positions of training samples whose true label is
            known; may be empty.
        known: dict from the position of a training sample that is also trusted
            to its trusted label.
        trusted: list of views, float32 `[V, D]`.
        trusted_labels: int `[V]`.
        learned: int array, positions of the trusted samples that are not held
            out.
        held: int array `[H]`, positions of those held out.

    Raises:
        ValueError: If the data do not fit together, a class has no trusted
            sample, or none is left to hold out.
    """

    def __init__(
        self, source, features, trusted, trusted_features, held_out, seed
    ):
        if not inputs.is_source(source):
            raise ConfigurationError(
                "Expected `source` to be a source; `nk.data.from_arrays` makes "
                f"one of arrays. Received: {type(source).__name__}"
            )
        self.source = source
        self.features = checks.views(
            features, source.num_samples, "features", "samples of the source"
        )
        self.trusted_labels = self._labels(trusted, "trusted")
        self._check_every_class()
        views = self.views(
            trusted_features, len(self.trusted_labels), "trusted"
        )
        self.trusted = [np.asarray(view, np.float32) for view in views]
        self.known = self._known()
        self.learned, self.held = choice.hold_out(
            self.trusted_labels, held_out, seed
        )
        known = source.true_labels is not None
        self.truth = np.flatnonzero(known & source.truth_known)

    @property
    def start(self):
        """float32 `[N, K]`, the initial label table."""
        if self.source.soft_labels is not None:
            return self.source.soft_labels
        classes = np.eye(self.source.num_classes, dtype=np.float32)
        return classes[self.source.labels]

    @property
    def held_labels(self):
        """int `[H]`, labels of the held-out samples."""
        return self.trusted_labels[self.held]

    def fingerprint(self):
        """str, a hash of all data that the purification depends on."""
        return checks.fingerprint(
            *self.features, *self.trusted, self.trusted_labels, self.start
        )

    def tracked(self, test, features):
        """Checks test samples, on which accuracy is reported.

        Args:
            test: `Source` of T test samples, or their labels, int `[T]`; or
                None.
            features: float `[T, D]`, or a list of views; or None.

        Returns:
            A list of views and the labels `[T]`, or None without test samples.

        Raises:
            ValueError: If one argument is given without the other, or they do
                not fit.
        """
        if (test is None) != (features is None):
            raise ConfigurationError(
                "Expected `test` and `test_features` together. Received: only "
                f"`{'test_features' if test is None else 'test'}`"
            )
        if test is None:
            return None
        labels = self._labels(test, "test")
        return self.views(features, len(labels), "test"), labels

    def views(self, features, count, name):
        """Checks the views of other samples against those of the source.

        Args:
            features: float `[count, D]`, or a list of views.
            count: int, number of samples.
            name: str, prefix of the argument's name, for error messages.

        Returns:
            List of arrays `[count, D]`.

        Raises:
            ValueError: If the number of views, rows or columns does not fit.
        """
        views = checks.views(
            features, count, f"{name}_features", f"{name} samples"
        )
        widths = [
            [view.shape[1] for view in each] for each in (self.features, views)
        ]
        if widths[0] != widths[1]:
            raise ConfigurationError(
                f"Expected `{name}_features` with as many views and columns as "
                f"`features`, {widths[0]}. Received: {widths[1]}"
            )
        return views

    def _labels(self, samples, name):
        if not inputs.is_source(samples):
            return label_checks.labels(
                samples, self.source.num_classes, what=name
            )
        if samples.class_names != self.source.class_names:
            raise ConfigurationError(
                f"Expected `{name}` of the source's classes, "
                f"{abbreviated(list(self.source.class_names))}. Received: "
                f"{abbreviated(list(samples.class_names))}"
            )
        return samples.labels

    def _check_every_class(self):
        counts = np.bincount(
            self.trusted_labels, minlength=self.source.num_classes
        )
        names = self.source.class_names
        missing = [names[c] for c in np.flatnonzero(counts == 0)]
        if missing:
            raise ConfigurationError(
                "Expected trusted samples of every class. Received: none of "
                f"{abbreviated(missing)}"
            )

    def _known(self):
        pairs = checks.same_rows(self.features[0], self.trusted[0])
        known, disputed = {}, set()
        for row, other in pairs.tolist():
            label = int(self.trusted_labels[other])
            if known.setdefault(row, label) != label:
                disputed.add(row)
        if disputed:
            warnings.warn(
                f"{len(disputed)} training samples have the features of "
                "trusted ones whose labels differ: they keep theirs, and are "
                "purified as others are. Does the encoder tell them apart?",
                stacklevel=4,
            )
            known = {r: c for r, c in known.items() if r not in disputed}
        if len(known) == self.source.num_samples:
            raise ConfigurationError(
                "Expected training samples beside the trusted ones. Received: "
                "features of which each is also among the trusted ones"
            )
        if known:
            warnings.warn(
                f"{len(known)} training samples have the features of trusted "
                "ones: those take no part, and get the trusted label.",
                stacklevel=4,
            )
        return known
