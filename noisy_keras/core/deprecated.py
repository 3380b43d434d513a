"""Names that methods had in noisy_keras 0.1.

They still work. A subclass that overrides `make_schedule` or
`clean_probabilities` is honoured, too (`core.inputs`, `core.audits`).
"""

from noisy_keras.utils import deprecation


class DeprecatedNames:
    """The deprecated attributes of a `NoisyLabelModel`."""

    @property
    def evidence(self):
        """Deprecated: use `audit_strategy.evidence(model)`."""
        # No warning: Keras reads all properties when it saves a model.
        return self.audit_strategy.evidence(self)

    def make_schedule(self, source, batch_size, seed=0, steps_per_epoch=None):
        """Deprecated name of `make_plan`."""
        deprecation.warn("make_schedule", "make_plan")
        return self.make_plan(source, batch_size, seed, steps_per_epoch)

    def clean_probabilities(self, measurement, source):
        """Deprecated: use `estimate_clean_probability(source, measurement)`."""
        deprecation.warn("clean_probabilities", "estimate_clean_probability")
        strategy = self.audit_strategy
        return strategy.clean_probability(self, source, measurement)

    def known_clean_probability(self, source):
        """Deprecated: use `estimate_clean_probability(source)`."""
        deprecation.warn(
            "known_clean_probability", "estimate_clean_probability"
        )
        return self.audit_strategy.clean_probability(self, source)

    def suggest(self, measurement):
        """Deprecated: use `audit_strategy.suggestion(model, measurement)`."""
        deprecation.warn("suggest", "audit_strategy.suggestion")
        return self.audit_strategy.suggestion(self, measurement)

    def loss_divisions(self, source):
        """Deprecated: use `audit_strategy.loss_divisions(model, source)`."""
        deprecation.warn("loss_divisions", "audit_strategy.loss_divisions")
        return self.audit_strategy.loss_divisions(self, source)
