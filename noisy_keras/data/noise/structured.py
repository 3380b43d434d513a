"""Noise from class to class: the image plays no part."""

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.data.selection import similar_classes
from noisy_keras.utils.errors import ConfigurationError

# Meta-Weight-Net chooses the wrong classes with this seed, whatever the
# labels' own.
_MWNET_SEED = 1


class AsymmetricNoise(LabelNoise):
    """Noise between classes that look alike.

    Args:
        rate: r in `[0, 1)`.
        seed: of the generator.
        convention:
            `"dividemix"` (default): exactly `int(r N)` samples are chosen
            among all classes and mapped; those in classes that the map leaves
            alone stay right, so about r / 2 of CIFAR-10 is wrong;
            `"matrix"`: each sample with probability r (F-correction, IEG);
            `"per_class"`: exactly a share r of every class (ELR);
            `"c2d_superclass_random"`: exactly `int(r N)` labels are drawn
            anew from the classes that the mapping leads through, the true one
            included, so `4 r / 5` of CIFAR-100 is wrong (C2D).
        mapping: dict from class to class; or `"cifar10"`, `"digits"`,
            `"cifar100_superclass"` (to the next fine class of the same coarse
            one; DRPL), `"cifar100_blocks"` (to the next within indices 0-4,
            5-9, ..., which mean nothing; ELR, PLC, Co-teaching). Default:
            the source's own `look_alikes`; else CIFAR-10's for 10 classes,
            CIFAR-100's coarse ones for 100.

    Raises:
        ValueError: at `apply`, where no mapping is known for K classes, or
            `"c2d_superclass_random"` meets one that is not circular.
    """

    name = "asymmetric"

    def __init__(self, rate, seed=0, convention=None, mapping=None):
        super().__init__(rate, seed, convention)
        if isinstance(mapping, str) and mapping not in similar_classes.MAPPINGS:
            raise ConfigurationError(
                "Expected `mapping` to be a dict from class to class or one of "
                f"{tuple(similar_classes.MAPPINGS)}. Received: {mapping!r}"
            )
        self.mapping = mapping

    def apply_to(self, source, **given):
        if self.mapping is None:
            self.mapping = source.look_alikes
        return super().apply_to(source, **given)

    def describe(self):
        mapping = self.mapping
        if isinstance(mapping, dict):
            mapping = {str(k): int(v) for k, v in mapping.items()}
        return super().describe() | {"mapping": mapping}

    def _targets(self, num_classes):
        return similar_classes.targets(self.mapping, num_classes)

    def _exact(self, labels, num_classes, random):
        noisy = labels.copy()
        rows = base.exact_rows(self.rate, len(labels), random)
        noisy[rows] = self._targets(num_classes)[labels[rows]]
        return noisy

    def _independent(self, labels, num_classes, random):
        flip = random.uniform(size=len(labels)) < self.rate
        return np.where(flip, self._targets(num_classes)[labels], labels)

    def _per_class(self, labels, num_classes, random):
        noisy = labels.copy()
        targets = self._targets(num_classes)
        for c in range(num_classes):
            members = np.flatnonzero(labels == c)
            rows = members[base.exact_rows(self.rate, len(members), random)]
            noisy[rows] = targets[c]
        return noisy

    def _exact_in_group(self, labels, num_classes, random):
        members, sizes = similar_classes.groups(self._targets(num_classes))
        noisy = labels.copy()
        rows = base.exact_rows(self.rate, len(labels), random)
        given = labels[rows]
        chance = random.uniform(size=len(rows))
        noisy[rows] = members[given, (chance * sizes[given]).astype(int)]
        return noisy

    _conventions = {
        "dividemix": _exact,
        "matrix": _independent,
        "per_class": _per_class,
        "c2d_superclass_random": _exact_in_group,
    }


class PairFlipNoise(LabelNoise):
    """Every class is mistaken for the next, or for one or two others.

    Args:
        rate: r in `[0, 1)`; Co-teaching and CDR use 0.45.
        seed: of the generator.
        convention:
            `"matrix"` (default): each label with probability r becomes the
            next class, the last one the first (Co-teaching, CDR);
            `"mwnet_flip"`: with probability r the one other class that was
            chosen at random for each class (Meta-Weight-Net's "flip");
            `"mwnet_flip2"`: with probability r / 2 each one of two others
            (its "flip2"). Which classes those are depends on K alone, not on
            `seed`, as in its code.

    Raises:
        ValueError: at `apply`, for `"mwnet_flip2"` with fewer than 3 classes.
    """

    name = "pair_flip"

    def _independent(self, labels, num_classes, random):
        flip = random.uniform(size=len(labels)) < self.rate
        return np.where(flip, (labels + 1) % num_classes, labels)

    def _one_other(self, labels, num_classes, random):
        return self._others(1, labels, num_classes, random)

    def _two_others(self, labels, num_classes, random):
        if num_classes < 3:
            raise ConfigurationError(
                "Expected at least 3 classes for convention 'mwnet_flip2'. "
                f"Received: {num_classes}"
            )
        return self._others(2, labels, num_classes, random)

    def _others(self, count, labels, num_classes, random):
        choice = np.random.RandomState(_MWNET_SEED)
        weights = np.eye(num_classes) * (1.0 - self.rate)
        for c in range(num_classes):
            others = np.delete(np.arange(num_classes), c)
            # NumPy's stream differs between drawing with and without
            # replacement; these are the calls that give the published pairs.
            chosen = choice.choice(others, count, replace=count == 1)
            weights[c, chosen] = self.rate / count
        return base.drawn(weights, labels, random)

    _conventions = {
        "matrix": _independent,
        "mwnet_flip": _one_other,
        "mwnet_flip2": _two_others,
    }
