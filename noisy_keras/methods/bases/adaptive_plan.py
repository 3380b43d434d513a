"""The epochs of DivideMix where evidence decides when its division begins.

DivideMix divides by the losses of networks that have learnt something, but not
yet the wrong labels. How many epochs that takes depends on the data: a warm-up
that is too short divides at random, and what follows amplifies the error.

1. One network is trained plainly. What it predicts for a sample before each
   step on it is summed up in the model's `prediction_history`.
2. Labels that this history contradicts are mixed with it, as soon as the
   estimated noise rate has settled, and at least half of the predictions are
   right by the same estimate (`labels.noise_rate`). Plain training on such
   targets does not memorise the errors; in few epochs it is the best that there
   is.
3. The division begins when the verdicts no longer change, or after `LATEST` of
   the epochs, provided that there are enough epochs and enough wrong labels
   for it to pay, and that labels are not random. The second network begins with
   the weights of the first.
4. From then on the division is that of the history, which goes on with the
   predictions from which pseudo-labels are made. Its share of wrong labels
   stays within the interval of the estimated rate, so that it cannot run away.

The rules are our own. `benchmarks/robustness.py` has what they were chosen by.
"""

import dataclasses

import numpy as np

from noisy_keras.labels import noise_rate
from noisy_keras.methods.bases import correction
from noisy_keras.methods.bases.dividemix_plan import DivideMixPlan

#: Fewer epochs than these are too few for a division: they are spent plainly.
#: On the digits with 50 % symmetric noise, 66 plain epochs on corrected labels
#: gave 92.5 %, 49 with a division no more, at five times the cost (one seed).
LEAST_EPOCHS = 60
#: Shares of the epochs before which no label is corrected, and no division
#: begins; and after which none begins any more.
EARLIEST, LATEST = 0.3, 0.6
# Epochs before which no label is doubted.
_LEAST_PLAIN = 4
# The rate has settled when it changes by at most this much in an epoch, and
# verdicts when at most this share of those against a label change.
_SETTLED_RATE, _SETTLED_VERDICTS = 0.02, 0.05
# For as many epochs in a row.
_SETTLED_EPOCHS = 3
# A division pays from this rate on. On the digits, 49 epochs with a division
# had 5 points more than 39 without at 50 % symmetric noise, and 2 less at 30 %
# of both kinds; they took five times as many passes (one seed).
_LEAST_RATE = 0.3
# In place of the epoch of the first correction: that there is none was said.
_SAID = -2.0
# Between these rates the weight of pseudo-labels grows from 0 to its value.
_LOW_RATE, _HIGH_RATE = 0.2, 0.5


@dataclasses.dataclass(frozen=True)
class Decision:
    """Something that a method has decided while it trained.

    Attributes:
        epoch: int, number of the epoch before which it was decided, from 0.
        text: str, what was decided and why, in a line.
    """

    epoch: int
    text: str


class State:
    """What the plan has found, kept in a weight of the model.

    Args:
        model: the `DivideMix`; its `adaptive_state`, float32 `[6]`, is used.
    """

    FIELDS = (
        "judged",  # The last epoch before which labels were judged.
        "rate",  # The noise rate that training relied on then.
        "settled",  # For how many epochs nothing has changed.
        "correcting",  # The epoch from which on labels are corrected, if any.
        "division",  # The first epoch of the division.
        "strength",  # What `unlabeled_weight` is multiplied by.
    )
    #: The values before the first epoch.
    INITIAL = (-1.0, -1.0, 0.0, -1.0, -1.0, 0.0)

    def __init__(self, model):
        self._weight = model.adaptive_state
        values = np.asarray(self._weight.numpy(), np.float64)
        self.__dict__.update(zip(self.FIELDS, values.tolist(), strict=True))

    def keep(self):
        """Writes the values into the weight."""
        self._weight.assign([getattr(self, name) for name in self.FIELDS])


class AdaptivePlan(DivideMixPlan):
    """Plain training of one network, then the division: see the module.

    Arguments and batches are those of `DivideMixPlan`.
    """

    def begin_epoch(self, epoch):
        model, state = self.model, State(self.model)
        if state.judged >= epoch:
            return  # A run that goes on; this epoch has been judged.
        state.judged = float(epoch)
        if epoch == 0:
            self._say_what_is_too_few()
        elif model.prediction_history.seen().all():
            self._judge(epoch, state)
        state.keep()

    def _say_what_is_too_few(self):
        epochs = self.model.planned_epochs
        if epochs is not None and epochs < LEAST_EPOCHS:
            given = "1 epoch is" if epochs == 1 else f"{epochs} epochs are"
            self.model.decide(
                0,
                f"{given} too few for a division, which takes "
                f"{LEAST_EPOCHS}: one network is trained plainly, on labels "
                "that its own predictions correct",
            )

    def _judge(self, epoch, state):
        """Judges all labels, and decides what follows from that."""
        model = self.model
        found, clean = correction.judge(model, self.source)
        rate = found.certain
        before = model.clean_probability.numpy()[:, 0] < 0.5
        changed = np.sum((clean < 0.5) != before)
        moved, state.rate = abs(rate - state.rate), rate
        if state.correcting < 0.0:
            first = max(_LEAST_PLAIN, EARLIEST * (model.planned_epochs or 0))
            if epoch < first or moved > _SETTLED_RATE:
                return
            if correction.is_random(rate, model.num_classes):
                if state.correcting != _SAID:
                    state.correcting = _SAID
                    model.decide(
                        epoch,
                        f"{rate:.1%} of the labels look wrong, as many as of "
                        "random labels: none is corrected",
                    )
                return
            if not correction.helps(found, model.num_classes):
                return
            state.correcting = float(epoch)
            model.decide(
                epoch,
                f"estimated noise: {found.rate:.1%} of the labels are wrong "
                f"({found.low:.0%} to {found.high:.0%}); {rate:.1%}, which "
                "predictions contradict most, are corrected from here on",
            )
        settled = changed <= _SETTLED_VERDICTS * max(np.sum(before), 1)
        state.settled = state.settled + 1.0 if settled else 0.0
        correction.keep(model, clean)
        if state.division >= 0.0 or not self._may_begin(epoch):
            return
        last = epoch >= LATEST * model.planned_epochs
        if state.rate < _LEAST_RATE:
            if last:
                model.decide(
                    epoch,
                    f"no division: {rate:.1%} of the labels are wrong, and "
                    f"below {_LEAST_RATE:.0%} it does not pay; training stays "
                    "plain",
                )
        elif last or state.settled >= _SETTLED_EPOCHS:
            self._begin_division(epoch, state)

    def _may_begin(self, epoch):
        """Whether a division may begin before an epoch."""
        epochs = self.model.planned_epochs
        if epochs is None or epochs < LEAST_EPOCHS:
            return False
        return EARLIEST * epochs <= epoch < LATEST * epochs + 1.0

    def _begin_division(self, epoch, state):
        model = self.model
        first, second = model.networks
        second.set_weights(first.get_weights())
        found = noise_rate.estimate_from_history(
            model.prediction_history, self.source.labels, model.num_classes
        )
        concentration = 0.0 if found is None else found.concentration
        state.division = float(epoch)
        state.strength = strength(state.rate, concentration, model.num_classes)
        model.decide(
            epoch,
            f"division begins: {state.rate:.1%} of the labels are wrong; "
            "weight of pseudo-labels: "
            f"{model.unlabeled_weight * state.strength:.3g}",
        )

    def __call__(self, epoch):
        if self._is_divided(epoch):
            return [self._mixmatch_round(epoch, k) for k in range(2)]
        return [self._warmup_round(epoch, 0)]

    def end_epoch(self, epoch):
        """Gives the second network the weights of the first until it trains.

        So the model predicts alike at any time, and can be saved.
        """
        if not self._is_divided(epoch):
            first, second = self.model.networks
            second.set_weights(first.get_weights())

    def division_epoch(self):
        return State(self.model).division

    def unlabeled_weight(self):
        return self.model.unlabeled_weight * State(self.model).strength

    def _is_divided(self, epoch):
        return 0.0 <= State(self.model).division <= epoch


def begin_divided(model, source):
    """Lets a model that is not trained yet begin with the division.

    Args:
        model: `DivideMix` with `warmup_epochs="auto"`, whose first network and
            `prediction_history` are those of an earlier training.
        source: `Source` in training, all of whose samples the history has.
    """
    found, clean = correction.judge(model, source)
    correction.keep(model, clean)
    state = State(model)
    state.judged = state.correcting = 0.0
    state.rate = found.certain
    plan = AdaptivePlan(model, source, batch_size=1)
    plan._begin_division(0, state)
    state.keep()


def strength(rate, concentration, num_classes):
    """The share of `unlabeled_weight` that noise calls for.

    The published weights are 0 for 20 % symmetric and for asymmetric noise, and
    25 for 50 % symmetric noise; this is continuous between them.

    Args:
        rate: float in `[0, 1]`, the noise rate.
        concentration: float in `[0, 1]`, the share of the wrong labels that are
            the most frequent mistake of their class.
        num_classes: int, number of classes K.

    Returns:
        float in `[0, 1]`.
    """
    by_rate = np.clip((rate - _LOW_RATE) / (_HIGH_RATE - _LOW_RATE), 0.0, 1.0)
    # 0 where mistakes are spread over all classes, 1 where each has one.
    spread = 1.0 / max(num_classes - 1, 1)
    concentrated = (concentration - spread) / max(1.0 - spread, 1e-6)
    return float(by_rate * (1.0 - np.clip(concentrated, 0.0, 1.0)))
