"""Label-noise generators: labels -> labels, seeded, with what they did.

A generator never sees validation or test data; callers give it training
labels only. After `apply` it holds the realised transition matrix and rate.

The same nominal rate means different things in different papers: "50 %
symmetric" leaves 45 % of CIFAR-10 labels wrong in DivideMix and 50 % in DRPL.
Conventions are therefore chosen by name.
"""

import numpy as np

from noisy_keras.data import checks

# truck -> automobile, bird -> airplane, cat <-> dog, deer -> horse.
_CIFAR10 = {9: 1, 2: 0, 3: 5, 5: 3, 4: 7}
# 7 -> 1, 2 -> 7, 5 <-> 6, 3 -> 8: the digits that look alike.
_DIGITS = {7: 1, 2: 7, 5: 6, 6: 5, 3: 8}
# The coarse class of each of CIFAR-100's fine classes, in their order.
_CIFAR100_COARSE = (
    "4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11 6 11 5 10 7 6 13 15 3 15 0 "
    "11 1 10 12 14 16 9 11 5 5 19 8 8 15 13 14 17 18 10 16 4 17 4 2 0 17 4 18 "
    "17 10 3 2 12 12 16 12 1 9 19 2 10 0 1 16 12 9 13 15 13 16 19 2 4 6 19 5 5 "
    "8 19 18 1 2 15 6 0 17 8 14 13"
)


class LabelNoise:
    """What generators share: the seed, the record of what was done.

    After `apply`: `transition` float64 `[K, K]`, row = label before, column =
    label after, rows of absent classes 0; `realized_rate`, the share of labels
    that changed.
    """

    #: The name on the command line.
    name: str

    def __init__(self, rate, seed=0, convention=None):
        self.rate = checks.rate(rate)
        self.seed = int(seed)
        conventions = tuple(self._conventions)
        self.convention = convention or conventions[0]
        if self.convention not in conventions:
            raise ValueError(
                f"Expected `convention` to be one of {conventions}. "
                f"Received: {convention!r}"
            )
        self._counts = None

    def apply(self, labels, num_classes=None):
        """Corrupts labels.

        Args:
            labels: int `[N]`.
            num_classes: K; default: the highest label plus one.

        Returns:
            int32 `[N]`. The same seed gives the same labels anywhere.

        Raises:
            ValueError: labels that are no labels.
        """
        labels = np.asarray(labels)
        if num_classes is None:
            num_classes = int(labels.max()) + 1 if labels.size else 0
        labels = checks.labels(labels, num_classes)
        # The legacy generator's stream is frozen for ever, unlike the newer
        # ones', so labels stay the same over NumPy versions.
        random = np.random.RandomState(self.seed)
        convention = self._conventions[self.convention]
        noisy = convention(self, labels, num_classes, random).astype(np.int32)
        self._counts = np.zeros((num_classes, num_classes), np.int64)
        np.add.at(self._counts, (labels, noisy), 1)
        return noisy

    @property
    def transition(self):
        """Realised transition matrix `[K, K]` of the last `apply`."""
        counts = self._applied()
        return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    @property
    def realized_rate(self):
        """Share of labels that the last `apply` changed."""
        counts = self._applied()
        return float(1.0 - np.trace(counts) / counts.sum())

    def describe(self):
        """The generator and what it did, as JSON can hold it."""
        return {
            "type": self.name,
            "rate": self.rate,
            "convention": self.convention,
            "seed": self.seed,
            "realized_rate": round(self.realized_rate, 6),
        }

    def _applied(self):
        if self._counts is None:
            raise ValueError(
                "Expected noise that was applied: call `apply(labels)` first."
            )
        return self._counts


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
        rows = _exact_rows(self.rate, len(labels), random)
        noisy[rows] = random.randint(0, num_classes, len(rows))
        return noisy

    def _exact_others(self, labels, num_classes, random):
        noisy = labels.copy()
        rows = _exact_rows(self.rate, len(labels), random)
        noisy[rows] = _other_class(labels[rows], num_classes, random)
        return noisy

    def _independent_others(self, labels, num_classes, random):
        flip = random.uniform(size=len(labels)) < self.rate
        return np.where(flip, _other_class(labels, num_classes, random), labels)

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
            `"per_class"`: exactly a share r of every class (ELR).
        mapping: dict from class to class; or `"cifar10"`, `"digits"`,
            `"cifar100_superclass"` (to the next fine class of the same coarse
            one). Default: CIFAR-10's for 10 classes, CIFAR-100's for 100.

    Raises:
        ValueError: at `apply`, where no mapping is known for K classes.
    """

    name = "asymmetric"

    def __init__(self, rate, seed=0, convention=None, mapping=None):
        super().__init__(rate, seed, convention)
        if isinstance(mapping, str) and mapping not in _MAPPINGS:
            raise ValueError(
                "Expected `mapping` to be a dict from class to class or one of "
                f"{tuple(_MAPPINGS)}. Received: {mapping!r}"
            )
        self.mapping = mapping

    def _targets(self, num_classes):
        """The class that each class is mistaken for, `[K]`."""
        mapping = self.mapping
        if mapping is None:
            mapping = {10: "cifar10", 100: "cifar100_superclass"}.get(
                num_classes
            )
            if mapping is None:
                raise ValueError(
                    "Expected a `mapping` from class to look-alike class: "
                    f"none is known for {num_classes} classes. Pass "
                    "AsymmetricNoise(rate, mapping={0: 1, ...})."
                )
        if isinstance(mapping, str):
            mapping = _MAPPINGS[mapping]()
        targets = np.arange(num_classes)
        for given, wrong in mapping.items():
            if not (0 <= given < num_classes and 0 <= wrong < num_classes):
                raise ValueError(
                    f"Expected a mapping within [0, {num_classes}). "
                    f"Received: {given} -> {wrong}"
                )
            targets[given] = wrong
        return targets

    def _exact(self, labels, num_classes, random):
        noisy = labels.copy()
        rows = _exact_rows(self.rate, len(labels), random)
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
            rows = members[_exact_rows(self.rate, len(members), random)]
            noisy[rows] = targets[c]
        return noisy

    _conventions = {
        "dividemix": _exact,
        "matrix": _independent,
        "per_class": _per_class,
    }


class PairFlipNoise(LabelNoise):
    """Every class is mistaken for the next, with probability r.

    Args:
        rate: r in `[0, 1)`; Co-teaching and CDR use 0.45.
        seed: of the generator.
    """

    name = "pair_flip"

    def _independent(self, labels, num_classes, random):
        flip = random.uniform(size=len(labels)) < self.rate
        return np.where(flip, (labels + 1) % num_classes, labels)

    _conventions = {"matrix": _independent}


def superclass_successors():
    """CIFAR-100: each fine class's successor within its coarse class.

    Returns:
        dict from fine class to the next fine class, ascending and circular.
    """
    coarse = np.array(_CIFAR100_COARSE.split(), int)
    successors = {}
    for c in range(20):
        members = np.flatnonzero(coarse == c)
        for fine, following in zip(members, np.roll(members, -1), strict=True):
            successors[int(fine)] = int(following)
    return successors


_MAPPINGS = {
    "cifar10": lambda: _CIFAR10,
    "digits": lambda: _DIGITS,
    "cifar100_superclass": superclass_successors,
}

#: Generators by their name on the command line.
BY_NAME = {
    noise.name: noise
    for noise in (SymmetricNoise, AsymmetricNoise, PairFlipNoise)
}


def _exact_rows(rate, count, random):
    """Exactly `int(rate * count)` positions at random."""
    return random.permutation(count)[: int(rate * count)]


def _other_class(labels, num_classes, random):
    """A class per label, uniform over the others."""
    shift = random.randint(1, num_classes, len(labels))
    return (labels + shift) % num_classes
