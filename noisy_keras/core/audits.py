"""The audit of a model's given labels.

The model's `audit_strategy` does the work. A class that was written for
noisy_keras 0.1 may override the hooks of that version on the model instead;
they are honoured, with a warning.
"""

from noisy_keras.labels import class_sizes
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.labels.audit import unreadable_samples
from noisy_keras.utils import deprecation

_STRATEGY = "audit_strategy"
# Evidence that does not depend on how many noisy labels a class has.
_STRONG = ("trusted_labels",)


def evidence(model):
    """What an audit would be based on now: a key of `EVIDENCE`.

    Args:
        model: `NoisyLabelModel`.
    """
    if _overrides(model, "evidence", "evidence"):
        return model.evidence
    return model.audit_strategy.evidence(model)


def clean_probability(model, source, measurement=None):
    """As `NoisyLabelModel.estimate_clean_probability`.

    In rare classes a bounded share is called wrong, whatever the method: see
    `noisy_keras.labels.class_sizes`.
    """
    found = _clean_probability(model, source, measurement)
    if found is None or evidence(model) in _STRONG:
        return found
    return class_sizes.within_bounds(found, source.labels)


def _clean_probability(model, source, measurement):
    instead = "clean_probability"
    if _overrides(model, "known_clean_probability", instead):
        known = model.known_clean_probability(source)
        if known is not None or measurement is None:
            return known
    if measurement is not None and _overrides(
        model, "clean_probabilities", instead
    ):
        return model.clean_probabilities(measurement, source)
    return model.audit_strategy.clean_probability(model, source, measurement)


def suggestion(model, measurement):
    """Likely classes int32 `[N]` and their probabilities float32 `[N]`.

    Args:
        model: `NoisyLabelModel`.
        measurement: as of `AuditStrategy.measure`.
    """
    if _overrides(model, "suggest", "suggestion"):
        return model.suggest(measurement)
    return model.audit_strategy.suggestion(model, measurement)


def loss_divisions(model, source):
    """See `AuditStrategy.loss_divisions`.

    Args:
        model: `NoisyLabelModel`.
        source: `Source` that the model was fitted on.
    """
    if _overrides(model, "loss_divisions", "loss_divisions"):
        return model.loss_divisions(source)
    return model.audit_strategy.loss_divisions(model, source)


def label_audit(model, source, batch_size=None):
    """The audit of a source by a trained model.

    Args:
        model: `NoisyLabelModel`.
        source: `Source` that the model was fitted on.
        batch_size: int, number of samples in a batch, or None.

    Returns:
        A `LabelAudit`.
    """
    strategy = model.audit_strategy
    measurement = strategy.measure(model, source, batch_size)
    clean = clean_probability(model, source, measurement)
    suggested, confidence = suggestion(model, measurement)
    history = getattr(model, "label_history", None)
    return LabelAudit(
        ids=source.ids,
        given_label=source.labels,
        suggested_label=suggested,
        clean_probability=clean,
        confidence=confidence,
        class_names=source.class_names,
        paths=source.paths,
        true_label=source.true_labels,
        foreign=source.foreign,
        evidence=evidence(model),
        given_share=None if history is None else history.share(),
        epochs=None if history is None else history.epochs(),
        unstable=strategy.unstable(model, source, clean),
        unreadable=unreadable_samples(source),
        protected=class_sizes.protected(source.labels),
    )


def _overrides(model, old, new):
    """Whether the model's class has a hook of 0.1; warns if so."""
    found = deprecation.overrides(model, old, _STRATEGY)
    if found:
        deprecation.warn(
            f"{type(model).__name__}.{old}", f"{_STRATEGY}.{new}", stacklevel=4
        )
    return found
