"""The data of a purification, checked."""

import warnings

import numpy as np

from noisy_keras.core import inputs
from noisy_keras.methods.dmlp import checks
from noisy_keras.methods.dmlp import choice
from noisy_keras.utils import checks as label_checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


class Data:
    """What is purified, and by what.

    Args:
        source: see `LabelPurifier.fit`, as the others.
        features: `[N, D]` or views.
        trusted: source or labels.
        trusted_features: `[V, D]` or views.
        held_out: share of the trusted samples.
        seed: of their choice.

    Attributes:
        source: as given.
        features: list of views.
        start: float32 `[N, K]`, where the table starts.
        truth: positions of samples whose true label is known; may be empty.
        known: dict from position to right label, of samples that are trusted.
        trusted: list of views, float32.
        trusted_labels: int `[V]`.
        learned: positions of those to learn from.
        held: positions of those held out.

    Raises:
        ValueError: see the messages.
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
        if self.source.soft_labels is not None:
            return self.source.soft_labels
        classes = np.eye(self.source.num_classes, dtype=np.float32)
        return classes[self.source.labels]

    @property
    def held_labels(self):
        """int `[H]`."""
        return self.trusted_labels[self.held]

    def fingerprint(self):
        """A hash of all that enters the purification: str."""
        return checks.fingerprint(
            *self.features, *self.trusted, self.trusted_labels, self.start
        )

    def tracked(self, test, features):
        """Further samples, only to be measured.

        Args:
            test: source or labels, or None.
            features: theirs.

        Returns:
            Views and labels, or None without samples.

        Raises:
            ValueError: one without the other, or that do not fit.
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
        """Checked views of other samples, which have the same columns."""
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
