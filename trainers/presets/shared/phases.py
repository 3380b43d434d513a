"""Presets whose epochs are those of phases, as DRPL's."""

import dataclasses

from trainers.presets import Preset

#: DRPL's arguments that are epochs of a phase, in the order of the phases;
#: `warmup_epochs` are those of two.
PHASES = ("relabel_epochs", "ssl_epochs", "final_epochs")


@dataclasses.dataclass(frozen=True)
class PhasedPreset(Preset):
    """A row whose `epoch_arguments` are the epochs of phases.

    `epochs` are those of all phases together.
    """

    phased = True

    def _scaled(self, epochs):
        if epochs == self.epochs:
            return self.epoch_arguments
        return scaled(self.epoch_arguments, epochs)

    def method_arguments(self, given=None):
        """As `Preset.method_arguments`; what is within a phase scales."""
        given = given or {}
        wanted = {n: v for n, v in given.items() if n in _EPOCHS}
        phases = resized(self.epoch_arguments, wanted)
        return self.arguments | phases | given


_EPOCHS = ("warmup_epochs", *PHASES)


def total(phases):
    """The epochs of all five phases: int."""
    return 2 * phases["warmup_epochs"] + sum(phases[name] for name in PHASES)


def scaled(phases, epochs):
    """The same phases in another number of epochs, each at least 1.

    Args:
        phases: dict of DRPL's arguments that are epochs.
        epochs: int, of all phases together, at least 5.

    Returns:
        dict; `total` of it is `epochs`.
    """
    share = epochs / total(phases)
    wanted = {name: max(1, round(phases[name] * share)) for name in _EPOCHS}
    # Rounding is made good where it matters least.
    while total(wanted) != epochs:
        longest = max(PHASES, key=wanted.get)
        wanted[longest] += 1 if total(wanted) < epochs else -1
    return resized(phases, wanted)


def resized(phases, wanted):
    """The same phases with other numbers of epochs.

    Args:
        phases: dict of DRPL's arguments that are epochs.
        wanted: dict of some of `PHASES` and `warmup_epochs`.

    Returns:
        dict; learning rates drop, and relabelling begins, in proportion.
    """
    new = phases | wanted
    for name in ("relabel", "ssl", "final"):
        part = new[f"{name}_epochs"] / phases[f"{name}_epochs"]
        drops = phases[f"{name}_drops"]
        new[f"{name}_drops"] = tuple(max(1, round(d * part)) for d in drops)
    part = new["relabel_epochs"] / phases["relabel_epochs"]
    begin = min(round(phases["relabel_from"] * part), new["relabel_epochs"] - 1)
    new["relabel_from"] = max(1, begin)
    return new


def first_phase(row):
    """The row of the first phase alone, in which labels are replaced.

    Args:
        row: `PhasedPreset`.

    Returns:
        A `Preset` of Joint-Optim.
    """
    phases = row.epoch_arguments
    values = {f.name: getattr(row, f.name) for f in dataclasses.fields(Preset)}
    return Preset(
        **values
        | {
            "epochs": phases["relabel_epochs"],
            "learning_rate_drops": phases["relabel_drops"],
            "epoch_arguments": {"relabel_from": phases["relabel_from"]},
            "arguments": {},
        }
    )
