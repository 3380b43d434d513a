"""Audit strategies: what the judgement of given labels is based on.

A method names its strategy (`audit_strategy`), and that turns what the method
has in its tables, or what its networks predict now, into clean probabilities.
A clean probability is the probability that a given label is right: 1 is clean,
0 is wrong, everywhere in the library.

The strategy of methods that learn features without labels needs those features,
see `noisy_keras.methods.bases.nearest_neighbors`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from noisy_keras.data.sources.source import Source
from noisy_keras.labels import agreement
from noisy_keras.labels import detection
from noisy_keras.labels import held_out as held_out_module
from noisy_keras.labels import loss_rules
from noisy_keras.labels import measuring
from noisy_keras.labels.division import LossDivision
from noisy_keras.labels.division import LossHistory
from noisy_keras.labels.division import by_class


class AuditStrategy:
    """How a model judges the given labels of its training samples.

    A method names one in its class attribute `audit_strategy`. A strategy keeps
    nothing of a training itself: it reads the tables of the model, which are
    saved with it, and may add to them (`end_epoch`), so one object serves all
    models of a class.

    Override `evidence` and `clean_probability`; the other methods have
    defaults.

    Example:
        >>> class LastLosses(nk.AuditStrategy):
        ...     '''Judges by the loss of the trained network.'''
        ...
        ...     def evidence(self, model):
        ...         return "last_predictions"
        ...
        ...     def clean_probability(self, model, source, measurement=None):
        ...         if measurement is None:
        ...             return None
        ...         return np.exp(-measurement.loss.mean(axis=1))
        >>> source = nk.data.load("digits")
        >>> model = nk.CrossEntropy(
        ...     nk.networks.build("tiny", source), source.num_samples
        ... )
        >>> model.audit_strategy = LastLosses()
        >>> model.compile()
        >>> model.label_audit(source).evidence
        'last_predictions'
    """

    def evidence(self, model: Any) -> str:
        """What a judgement would be based on now.

        Args:
            model: `NoisyLabelModel`.

        Returns:
            str, a key of `noisy_keras.labels.audit.EVIDENCE`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `evidence(model)`."
        )

    def end_epoch(self, model: Any, source: Source) -> None:
        """Called after each epoch of training; notes nothing by default.

        Args:
            model: `NoisyLabelModel`.
            source: `Source` in training.
        """
        del model, source

    def measure(
        self, model: Any, source: Source, batch_size: int | None = None
    ) -> Any:
        """Makes the pass over the samples that an audit needs.

        Args:
            model: `NoisyLabelModel`.
            source: `Source` that the model was fitted on.
            batch_size: int, number of samples in a batch, or None.

        Returns:
            A `Measurement`, or an object of the strategy's own with the fields
            that it reads.
        """
        return measuring.measure(model, source, batch_size)

    def clean_probability(
        self, model: Any, source: Source, measurement: Any = None
    ) -> np.ndarray | None:
        """The probability that each given label is right.

        Args:
            model: `NoisyLabelModel`.
            source: `Source` that the model was fitted on.
            measurement: as of `measure`. None asks for what the tables of the
                model know without a pass over the samples.

        Returns:
            float32 `[N]` in `[0, 1]`. Without a measurement, None where the
            tables do not suffice.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement "
            "`clean_probability(model, source, measurement=None)`."
        )

    def suggestion(
        self, model: Any, measurement: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """The class that each sample likely belongs to.

        Args:
            model: `NoisyLabelModel`.
            measurement: as of `measure`.

        Returns:
            int32 `[N]`, classes, and float32 `[N]` in `[0, 1]`, their
            probabilities; those of the measurement unless overridden.
        """
        del model
        return measurement.suggested, measurement.confidence

    def held_out(
        self,
        model: Any,
        source: Source,
        held_out: Source,
        transition: np.ndarray,
        batch_size: int | None = None,
    ) -> held_out_module.HeldOutJudgement:
        """Judges samples that the model was not trained on.

        Args:
            model: `NoisyLabelModel`.
            source: `Source` that the model was fitted on.
            held_out: `Source` of the samples to judge.
            transition: float `[K, K]`, the probability of each given label
                (column) by true label (row), by the audit of `source`.
            batch_size: int, number of samples in a batch, or None.

        Returns:
            A `HeldOutJudgement`; by predicted probabilities unless overridden.
        """
        del source
        predicted = model.predict(held_out, batch_size=batch_size, verbose=0)
        return held_out_module.judge_held_out(
            predicted, held_out.labels, transition
        )

    def unstable(
        self, model: Any, source: Source, clean_probability: np.ndarray
    ) -> np.ndarray | None:
        """Samples whose predicted class was not stable over epochs.

        Args:
            model: `NoisyLabelModel`.
            source: `Source` that the model was fitted on.
            clean_probability: float `[N]`, as found.

        Returns:
            bool `[N]`, or None where that is not known.
        """
        del model, source, clean_probability
        return None

    def loss_divisions(
        self, model: Any, source: Source
    ) -> Sequence[tuple[np.ndarray, dict | None]]:
        """The losses that are divided, and the mixtures, to be shown.

        Args:
            model: `NoisyLabelModel`.
            source: `Source` that the model was fitted on.

        Returns:
            A list of pairs, one per mixture: float `[N]` in `[0, 1]`, NaN where
            there is none; and a dict as of `division.describe`, or None.
        """
        del model, source
        return []


class LastPredictions(AuditStrategy):
    """Judges by the losses of the trained network: the default.

    A Gaussian mixture divides the losses of one pass over the samples. A
    network that has memorised wrong labels gives them a low loss, too, so this
    is the weakest evidence. Without a pass, the clean probability is that of
    the model's table `clean_probability`, if it has one.

    Args:
        division: `LossDivision`; default: by a Gaussian mixture.
    """

    def __init__(self, division: LossDivision | None = None) -> None:
        self.division = division or LossDivision()

    def evidence(self, model: Any) -> str:
        return "last_predictions"

    def clean_probability(
        self, model: Any, source: Source, measurement: Any = None
    ) -> np.ndarray | None:
        if measurement is None:
            return _from_table(model)
        loss = loss_rules.normalized(measurement.loss)
        return self.division(loss, _previous(model, loss)).mean(axis=1)


class PeerNetworks(LastPredictions):
    """Judges by the losses of several networks that divide for each other.

    No network was trained on a label because it believed that label itself. The
    clean probability is the mean over the networks. Where the model's
    `division` is based on agreement, so is this.

    The model has the tables `clean_probability`, a column per network;
    `loss_table`, the losses of the last divisions, see `LossHistory`; and
    `label_history`, of the divisions so far.
    """

    def measure(
        self, model: Any, source: Source, batch_size: int | None = None
    ) -> measuring.Measurement:
        embed = agreement.needs_embeddings(model, source)
        return measuring.measure(model, source, batch_size, embed)

    def evidence(self, model: Any) -> str:
        divided = (model.label_history.epochs() > 0).any()
        return "peer_networks" if divided else super().evidence(model)

    def clean_probability(
        self, model: Any, source: Source, measurement: Any = None
    ) -> np.ndarray | None:
        if measurement is None:
            return _from_table(model)
        loss = self._history(model).peek(measurement.loss)
        previous = _previous(model, loss)
        per_class = getattr(model, "divides_per_class", None)
        if per_class is not None and per_class(source):
            found = by_class(self.division, loss, previous, source.labels)
        else:
            found = self.division(loss, previous)
        return agreement.divided(
            model, source, found, measurement.embeddings
        ).mean(axis=1)

    def loss_divisions(
        self, model: Any, source: Source
    ) -> Sequence[tuple[np.ndarray, dict | None]]:
        return self.division.fitted(self._history(model).mean())

    def _history(self, model):
        networks = model.clean_probability.width
        length = model.loss_table.width // networks
        return LossHistory(model.loss_table, length)


class EarlierPhase(LastPredictions):
    """Judges by what an earlier phase of a recipe found.

    It is in the model's table `clean_probability`, negative as long as there
    is nothing. Then the losses of the network are divided by the detection of
    DRPL.
    """

    def evidence(self, model: Any) -> str:
        known = (model.clean_probability.numpy() >= 0.0).all()
        return "earlier_phase" if known else super().evidence(model)

    def clean_probability(
        self, model: Any, source: Source, measurement: Any = None
    ) -> np.ndarray | None:
        known = _from_table(model)
        if not (known < 0.0).any():
            return known
        if measurement is None:
            return None
        return detection.detect(measurement.loss[:, 0]).clean_probability


def _from_table(model):
    """Mean of the table `clean_probability`: float32 `[N]`, or None."""
    table = getattr(model, "clean_probability", None)
    return None if table is None else table.numpy().mean(axis=1)


def _previous(model, loss):
    """What is kept where a mixture has collapsed: float32 `[N, M]`."""
    table = getattr(model, "clean_probability", None)
    if table is None or table.width != loss.shape[1]:
        return np.ones_like(loss)
    return table.numpy()
