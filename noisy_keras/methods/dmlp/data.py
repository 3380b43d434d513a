"""The data of a purification, after all checks."""

import warnings

import numpy as np

from noisy_keras.core import inputs
from noisy_keras.methods.dmlp import checks
from noisy_keras.methods.dmlp import choice
from noisy_keras.utils import checks as label_checks
from noisy_keras.utils.checks import abbreviated
from noisy_keras.utils.errors import ConfigurationError


class Data:
    """The samples to be purified, and the trusted samples.

    Args:
        source: `Source` of N samples.
        features: float `[N, D]`, or a list of views.
        trusted: `Source` of V trusted samples, or their labels, int `[V]`.
        trusted_features: float `[V, D]`, or a list of views.
        held_out: float in [0, 1), share of the trusted samples to hold out.
        seed: int, seed of that choice.

    Attributes:
        source: as given.
        features: list of views.
        start: float32 `[N, K]`, the initial label table.
        truth: int array, positions of samples whose true label is known.
        known: dict from positions of training samples that are also trusted
            samples to their labels.
        trusted: list of views, float32.
        trusted_labels: int `[V]`.
        learned: int array, positions of the trusted samples to learn from.
        held: int array, positions of the trusted samples held out.

    Raises:
        ConfigurationError: data that do not fit each other.
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
        """Labels of the samples held out: int `[H]`."""
        return self.trusted_labels[self.held]

    def fingerprint(self):
        """A hash of all data of the purification: str."""
        return checks.fingerprint(
            *self.features, *self.trusted, self.trusted_labels, self.start
        )

    def tracked(self, test, features):
        """Further samples, which are only measured.

        Args:
            test: `Source` or labels, or None.
            features: their features, or None.

        Returns:
            A pair of views and labels, or None without samples.

        Raises:
            ConfigurationError: one without the other, or data that do not fit.
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
        """Checks the features of other samples.

        Args:
            features: float `[count, D]`, or a list of views.
            count: int, number of samples.
            name: str, name of the samples, for messages.

        Returns:
            A list of views with the columns of `self.features`.

        Raises:
            ConfigurationError: see `checks.views`; or other columns.
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
                "several trusted samples whose labels differ: they are "
                "purified like others. Does the encoder distinguish such "
                "images?",
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
                "samples: they are left out, and get the trusted label.",
                stacklevel=4,
            )
        return known
