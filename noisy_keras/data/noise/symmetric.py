"""Noise that knows no classes."""

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.base import LabelNoise


class SymmetricNoise(LabelNoise):
    """Uniform noise: a wrong label may be any class.

    Args:
        rate: r in `[0, 1)`.
        seed: of the generator.
        convention:
            `"dividemix"` (default): exactly `int(r N)` labels are drawn anew
            from all K classes, the true one included, so `r (K - 1) / K` are
            wrong (DivideMix, SANM, C2D, ELR, SSR);
            `"exclude_true"`: exactly `int(r N)` labels become one of the other
            K - 1 classes (DRPL);
            `"matrix_excl"`: each label with probability r becomes one of the
            others (Co-teaching, CDR, PLC, F-correction);
            `"matrix_incl"` and `"ieg"`: each with probability r is drawn from
            all K (Meta-Weight-Net, L2R; IEG, PENCIL).
    """

    name = "symmetric"

    def _exact(self, labels, num_classes, random):
        noisy = labels.copy()
        rows = base.exact_rows(self.rate, len(labels), random)
        noisy[rows] = random.randint(0, num_classes, len(rows))
        return noisy

    def _exact_others(self, labels, num_classes, random):
        noisy = labels.copy()
        rows = base.exact_rows(self.rate, len(labels), random)
        noisy[rows] = base.other_class(labels[rows], num_classes, random)
        return noisy

    def _independent_others(self, labels, num_classes, random):
        flip = random.uniform(size=len(labels)) < self.rate
        return np.where(
            flip, base.other_class(labels, num_classes, random), labels
        )

    def _independent(self, labels, num_classes, random):
        flip = random.uniform(size=len(labels)) < self.rate
        anything = random.randint(0, num_classes, len(labels))
        return np.where(flip, anything, labels)

    _conventions = {
        "dividemix": _exact,
        "exclude_true": _exact_others,
        "matrix_excl": _independent_others,
        "matrix_incl": _independent,
        "ieg": _independent,
    }
