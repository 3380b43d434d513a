"""How long a training will take, where later epochs cost more than the first.

After a warm-up, DivideMix divides the samples, guesses labels with two networks
and trains on several views: an epoch takes about five times as long. Until one
has been measured, that is assumed; from then on each kind of epoch counts with
what its last epochs took.
"""

import statistics

#: Epochs after the warm-up take so many times as long: of two networks that
#: divide, and of one network with plug-ins.
DIVIDED, WITH_PLUGINS = 5.0, 3.0
# Epochs of a kind that count.
_LAST = 5


class TimeLeft:
    """Estimates the time that the remaining epochs take.

    Args:
        later_from: int, number of the first epoch after the warm-up, from 0;
            None where all epochs are of one kind.
        later_cost: float, how many times as long epochs take from there on, as
            long as none has been measured.
    """

    def __init__(self, later_from=None, later_cost=1.0):
        self.later_from = later_from
        self.later_cost = later_cost
        self._seconds = {False: [], True: []}

    @classmethod
    def of(cls, model):
        """The estimate for a model.

        Args:
            model: `NoisyLabelModel`.
        """
        warmup = getattr(model, "warmup_epochs", None)
        if not isinstance(warmup, int):
            return cls()  # None, or evidence decides.
        cost = 1.0
        if hasattr(model, "co_divide"):
            cost = DIVIDED
        elif model.plugins:
            cost = WITH_PLUGINS
        return cls(model.first_epoch + warmup, cost)

    def add(self, epoch, seconds):
        """Notes how long an epoch took.

        Args:
            epoch: int, number of the epoch, from 0.
            seconds: float.
        """
        self._seconds[self._is_later(epoch)].append(seconds)

    def seconds(self, done, epochs):
        """The time left.

        Args:
            done: float, number of epochs that are done, with a part of one.
            epochs: int, number of all epochs.

        Returns:
            float, seconds; None before anything is known.
        """
        first = min(max(done, 0.0), epochs)
        border = epochs if self.later_from is None else self.later_from
        border = min(max(border, first), epochs)
        left = 0.0
        for later, count in ((False, border - first), (True, epochs - border)):
            if count > 0.0:
                each = self._each(later)
                if each is None:
                    return None
                left += count * each
        return left

    def _each(self, later):
        if self._seconds[later]:
            return statistics.mean(self._seconds[later][-_LAST:])
        other = self._seconds[not later]
        if not other:
            return None
        cost = self.later_cost if later else 1.0 / self.later_cost
        return cost * statistics.mean(other[-_LAST:])

    def _is_later(self, epoch):
        return self.later_from is not None and epoch >= self.later_from
