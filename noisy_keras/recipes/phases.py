"""Phases: the trainings of a recipe."""

import dataclasses

from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class Phase:
    """One training of a recipe.

    Attributes:
        name: str, name of the phase and of its files.
        epochs: int, number of its epochs.
        first_epoch: int, number of its first epoch; epochs are numbered over
            all phases.
        drops: tuple of ints, epochs at which the learning rate is divided by
            10, numbered over all phases.
    """

    name: str
    epochs: int
    first_epoch: int
    drops: tuple

    @property
    def end(self):
        """Number of the epoch after its last one."""
        return self.first_epoch + self.epochs


def in_order(*phases):
    """Makes phases that follow each other.

    Args:
        *phases: tuples of name, number of epochs, and drops within the phase.

    Returns:
        A tuple of `Phase`.

    Raises:
        ConfigurationError: a phase without epochs, or a drop outside its phase.
    """
    made, first = [], 0
    for name, epochs, drops in phases:
        if int(epochs) != epochs or epochs < 1:
            raise ConfigurationError(
                f"Expected at least 1 epoch in phase {name!r}. "
                f"Received: {epochs}"
            )
        drops = tuple(drops)
        if any(int(d) != d or not 0 <= d <= epochs for d in drops):
            raise ConfigurationError(
                f"Expected the learning rate to drop within the {epochs} "
                f"epochs of phase {name!r}. Received: {drops}"
            )
        made.append(Phase(name, epochs, first, tuple(first + d for d in drops)))
        first += epochs
    return tuple(made)
