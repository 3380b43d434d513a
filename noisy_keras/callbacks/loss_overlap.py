"""Whether losses can tell right labels from wrong ones."""

import keras

from noisy_keras.core import audits
from noisy_keras.labels import agreement
from noisy_keras.labels import division

#: For as many divisions in a row the losses must be unclear.
IN_A_ROW = 3


class LossOverlap(keras.callbacks.Callback):
    """Adds `loss_overlap` to the logs: that of the mixture of losses.

    See `noisy_keras.labels.division.overlap`; the mean over networks, where
    each divides by its own losses. Methods that do not divide samples, which
    have no argument `division`, and epochs before the first division have none.

    Unless samples are divided by agreement, it is said once that the losses
    cannot tell: after three divisions in a row whose overlap is above
    `division.UNCLEAR`.

    Args:
        source: `Source` in training.
        say: function of a line; None says nothing.
    """

    def __init__(self, source, say=None):
        super().__init__()
        self.source = source
        self.say = say
        self._unclear = 0

    def on_epoch_end(self, epoch, logs=None):
        # A phase of a recipe may train on part of the source.
        whole = self.model.num_samples == len(self.source)
        if logs is None or not whole or not hasattr(self.model, "division"):
            return
        found = audits.loss_divisions(self.model, self.source)
        if not found:
            return
        each = [division.overlap(mixture) for _, mixture in found]
        logs["loss_overlap"] = sum(each) / len(each)
        self._note(logs["loss_overlap"])

    def _note(self, overlap):
        if agreement.is_wanted(self.model):
            return
        self._unclear = self._unclear + 1 if overlap > division.UNCLEAR else 0
        if self._unclear == IN_A_ROW and self.say is not None:
            self.say(line(overlap))
            self.say = None


def line(overlap):
    """What is said of losses that cannot tell.

    Args:
        overlap: float in `[0, 1]`.

    Returns:
        str.
    """
    return (
        f"the two components of the losses overlap by {overlap:.0%} (above "
        f"{division.UNCLEAR:.0%} they cannot tell): --division=agreement "
        "divides by the labels of neighbours"
    )
