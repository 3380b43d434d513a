"""Class-dependent noise: wrong labels depend on the class, not on the image."""

import collections.abc
from typing import Any

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.base import LabelNoise
from noisy_keras.data.selection import similar_classes
from noisy_keras.data.sources.source import Source
from noisy_keras.utils.errors import ConfigurationError

# Meta-Weight-Net's code draws the wrong classes with this seed, independent of
# the seed of the labels.
_MWNET_SEED = 1


class AsymmetricNoise(LabelNoise):
    """Asymmetric noise: labels change to a similar class.

    Code of the authors, by convention:

    - `"dividemix"`: https://github.com/LiJunnan1992/DivideMix,
      `dataloader_cifar.py`;
    - `"matrix"`: https://github.com/google-research/google-research,
      `ieg/dataset_utils/datasets.py`;
    - `"per_class"`: https://github.com/shengliu66/ELR,
      `ELR/data_loader/cifar10.py`;
    - `"c2d_superclass_random"`: https://github.com/ContrastToDivide/C2D,
      `dataloaders/dataloader_cifar.py`.

    Args:
        rate: float in `[0, 1)`, the nominal noise rate r.
        seed: int, the seed of the generator.
        convention: str, one of

            - `"dividemix"` (default): exactly `int(r N)` samples of all
              classes are chosen and mapped. Samples of classes that the
              mapping leaves out stay clean, so about `r / 2` of CIFAR-10's
              labels are wrong.
            - `"matrix"`: each sample is mapped with probability r
              (F-correction, IEG).
            - `"per_class"`: exactly the share r of each class is mapped (ELR).
            - `"c2d_superclass_random"`: exactly `int(r N)` labels are drawn
              again from the circle of classes to which the mapping connects
              them, including the true class. With CIFAR-100's superclasses of
              five, `4 r / 5` of the labels are wrong (C2D).
        mapping: dict from class to class; or str, one of `"cifar10"`,
            `"digits"`, `"cifar100_superclass"` (the next fine class of the
            same coarse class; DRPL) and `"cifar100_blocks"` (the next class
            within the indices 0-4, 5-9, ..., which have no meaning; ELR, PLC,
            Co-teaching). Defaults to the source's `look_alikes`, or else to
            `"cifar10"` for 10 classes and `"cifar100_superclass"` for 100.

    Raises:
        ValueError: the mapping, rate or convention is unknown; in `apply`, if
            no mapping is known for K classes, or if
            `"c2d_superclass_random"` gets a mapping that is not circular.
    """

    name = "asymmetric"

    def __init__(
        self,
        rate: float,
        seed: int = 0,
        convention: str | None = None,
        mapping: collections.abc.Mapping[int, int] | str | None = None,
    ) -> None:
        super().__init__(rate, seed, convention)
        if isinstance(mapping, str) and mapping not in similar_classes.MAPPINGS:
            raise ConfigurationError(
                "Expected `mapping` to be a dict from class to class or one of "
                f"{tuple(similar_classes.MAPPINGS)}. Received: {mapping!r}"
            )
        self.mapping = mapping

    def apply_to(self, source: Source, **given: Any) -> np.ndarray:
        if self.mapping is None:
            self.mapping = source.look_alikes
        return super().apply_to(source, **given)

    def describe(self) -> dict[str, Any]:
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
    """Pair-flip noise: each class changes to one or two fixed other classes.

    Code of the authors, by convention:

    - `"matrix"`: https://github.com/bhanML/Co-teaching, `data/utils.py`;
    - `"mwnet_flip"`, `"mwnet_flip2"`:
      https://github.com/xjtushujun/meta-weight-net, `load_corrupted_data.py`,
      whose pairs of classes are reproduced.

    Args:
        rate: float in `[0, 1)`, the nominal noise rate r; Co-teaching and CDR
            use 0.45.
        seed: int, the seed of the generator.
        convention: str, one of

            - `"matrix"` (default): each label changes with probability r to
              the next class, that of the last class to the first
              (Co-teaching, CDR).
            - `"mwnet_flip"`: each label changes with probability r to one
              other class, which is chosen at random for each class
              (Meta-Weight-Net's "flip").
            - `"mwnet_flip2"`: each label changes with probability r / 2 to
              each of two other classes (Meta-Weight-Net's "flip2").

            The other classes of the latter two depend on K but not on `seed`,
            as in Meta-Weight-Net's code.

    Raises:
        ValueError: the rate or convention is invalid; in `apply`, if
            `"mwnet_flip2"` gets fewer than 3 classes.
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
            # NumPy draws with and without replacement from different streams;
            # these are the calls that reproduce the pairs of the authors'
            # code.
            chosen = choice.choice(others, count, replace=count == 1)
            weights[c, chosen] = self.rate / count
        return base.drawn(weights, labels, random)

    _conventions = {
        "matrix": _independent,
        "mwnet_flip": _one_other,
        "mwnet_flip2": _two_others,
    }
