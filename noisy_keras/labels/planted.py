"""Planted mistakes: labels that are made wrong, to see how many are found.

Nobody knows which of the labels of real data are wrong. Some that are made
wrong on purpose tell how far a judgement of all labels can be trusted: how many
of them it finds, and how often it suggests the label that they had. Planted
classes are drawn at random, so that they are easier to find than mistakes
between similar classes.
"""

import dataclasses

import numpy as np

from noisy_keras.data.sources.source import Source

# The share of the labels, and how many at most. Fewer than the least would say
# nothing; so many must be at most a twentieth of the labels.
_SHARE, _MOST, _LEAST, _GREATEST_SHARE = 0.02, 200, 10, 0.05
# By how many standard errors their mean rank must be lower.
_ERRORS = 2.0


@dataclasses.dataclass(frozen=True)
class PlantedMistakes:
    """Mistakes that were planted among labels.

    Attributes:
        rows: int `[P]`, positions of the samples.
        labels: int32 `[N]`, all labels, with the mistakes.
    """

    rows: np.ndarray
    labels: np.ndarray

    def source(self, source: Source) -> Source:
        """The source with the mistakes; the same where there are none.

        Args:
            source: the `Source` that they were planted in.

        Returns:
            A `Source`.
        """
        return source.relabel(self.labels) if len(self.rows) else source

    def found(self, clean_probability: np.ndarray) -> float | None:
        """The share that a judgement calls wrong.

        A planted class is the true one where the label was wrong before, by
        chance: at a noise rate r, even a perfect judgement finds no more than
        `1 - r / (K - 1)`.

        Args:
            clean_probability: float `[N]` in `[0, 1]`.

        Returns:
            float in `[0, 1]`, or None without mistakes.
        """
        if not len(self.rows):
            return None
        return float(np.mean(clean_probability[self.rows] < 0.5))

    def prove(self, clean_probability: np.ndarray) -> bool | None:
        """Whether a judgement tells the mistakes from the other labels.

        By the test of Mann and Whitney: the ranks of the mistakes among all
        labels are lower than chance explains.

        Args:
            clean_probability: float `[N]` in `[0, 1]`.

        Returns:
            bool; None without mistakes.
        """
        if not len(self.rows):
            return None
        values = np.asarray(clean_probability, np.float64)
        ascending = np.sort(values)
        # Equal values share the mean of their ranks.
        ranks = (
            np.searchsorted(ascending, values, "left")
            + np.searchsorted(ascending, values, "right")
            + 1
        ) / 2.0
        count, total = len(self.rows), len(values)
        mean = (total + 1) / 2.0
        error = np.sqrt((total - count) * (total + 1) / (12.0 * count))
        return bool(ranks[self.rows].mean() < mean - _ERRORS * error)

    def restored(
        self, suggested: np.ndarray, labels: np.ndarray
    ) -> float | None:
        """The share for which the label that they had is suggested.

        That label may itself be wrong, so that the noise rate bounds it.

        Args:
            suggested: int `[N]`, suggested classes.
            labels: int `[N]`, the labels before mistakes were planted.

        Returns:
            float in `[0, 1]`, or None without mistakes.
        """
        if not len(self.rows):
            return None
        rows = self.rows
        return float(np.mean(suggested[rows] == np.asarray(labels)[rows]))


def plant(source: Source, seed: int = 0) -> PlantedMistakes:
    """Plants mistakes in 2 % of the labels, from 10 to 200 of them.

    None are planted in fewer than 200 samples, of which they would be too many,
    nor in labels that are distributions.

    Args:
        source: `Source` of N samples and K classes.
        seed: int, seed of the choice.

    Returns:
        `PlantedMistakes`.
    """
    labels, classes = np.array(source.labels), source.num_classes
    none = PlantedMistakes(np.zeros(0, np.int64), labels)
    count = int(np.clip(round(_SHARE * len(labels)), _LEAST, _MOST))
    too_many = count > _GREATEST_SHARE * len(labels)
    if too_many or classes < 2 or source.soft_labels is not None:
        return none
    random = np.random.RandomState([seed, 0x6D])
    rows = np.sort(random.permutation(len(labels))[:count])
    others = random.randint(1, classes, count)
    labels[rows] = (labels[rows] + others) % classes
    return PlantedMistakes(rows, labels)
