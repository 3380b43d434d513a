"""The audit of a model's given labels.

The model's `audit_strategy` does the work. A class that was written for
noisy_keras 0.1 may override the hooks of that version on the model instead;
they are honoured, with a warning.
"""

import numpy as np

from noisy_keras.core import inputs
from noisy_keras.labels import class_sizes
from noisy_keras.labels import held_out as held_out_module
from noisy_keras.labels.audit import audit_of
from noisy_keras.utils import deprecation
from noisy_keras.utils.errors import ConfigurationError

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


def label_audit(model, source, batch_size=None, held_out=None):
    """The audit of a source by a trained model.

    Args:
        model: `NoisyLabelModel`.
        source: `Source` that the model was fitted on.
        batch_size: int, number of samples in a batch, or None.
        held_out: `Source` of samples that the model was not fitted on, which
            are judged as well; or None.

    Returns:
        A `LabelAudit`.
    """
    audit = _of_training(model, source, batch_size)
    if held_out is None:
        return audit
    return with_held_out(model, audit, source, held_out, batch_size)


def with_held_out(model, audit, source, held_out, batch_size=None):
    """An audit of training samples, and the judgement of held-out ones.

    Args:
        model: trained `NoisyLabelModel`.
        audit: `LabelAudit` of `source`.
        source: `Source` that the model was fitted on.
        held_out: `Source` of samples that it was not fitted on.
        batch_size: int, number of samples in a batch, or None.

    Returns:
        A `LabelAudit`.

    Raises:
        ConfigurationError: held-out samples of other classes or images.
    """
    if not inputs.is_source(held_out):
        raise ConfigurationError(
            "Expected `held_out` to be a `Source`, such as the second of "
            "`source.hold_out(0.1)`. Received: "
            f"{type(held_out).__name__}"
        )
    if held_out.class_names != source.class_names:
        raise ConfigurationError(
            f"Expected held-out samples of the classes {source.class_names}. "
            f"Received: {held_out.class_names}"
        )
    inputs.check_source(model, held_out)
    transition = held_out_module.transition_of(
        audit.clean_probability,
        audit.given_label,
        audit.suggested_label,
        source.num_classes,
    )
    found = model.audit_strategy.held_out(
        model, source, held_out, transition, batch_size
    )
    clean = found.clean_probability
    # How well a class is learnt depends on its samples in training.
    sizes = np.bincount(source.labels, minlength=source.num_classes)
    if audit.evidence not in _STRONG:
        clean = class_sizes.within_bounds(clean, held_out.labels, sizes)
    return audit.with_held_out(
        audit_of(
            held_out,
            suggested_label=found.suggested,
            clean_probability=clean,
            confidence=found.confidence,
            protected=class_sizes.protected(held_out.labels, sizes),
        )
    )


def _of_training(model, source, batch_size):
    strategy = model.audit_strategy
    measurement = strategy.measure(model, source, batch_size)
    clean = clean_probability(model, source, measurement)
    suggested, confidence = suggestion(model, measurement)
    history = getattr(model, "label_history", None)
    return audit_of(
        source,
        suggested_label=suggested,
        clean_probability=clean,
        confidence=confidence,
        evidence=evidence(model),
        given_share=None if history is None else history.share(),
        epochs=None if history is None else history.epochs(),
        unstable=strategy.unstable(model, source, clean),
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
