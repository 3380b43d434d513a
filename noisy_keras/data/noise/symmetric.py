"""Symmetric noise."""

import numpy as np

from noisy_keras.data.noise import base
from noisy_keras.data.noise.base import LabelNoise


class SymmetricNoise(LabelNoise):
    """Uniform noise: a wrong label is drawn uniformly from the classes.

    Code of the authors, by convention:

    - `"dividemix"`: https://github.com/LiJunnan1992/DivideMix,
      `dataloader_cifar.py`;
    - `"exclude_true"`: https://github.com/DiegoOrtego/LabelNoiseDRPL,
      `cifar10/dataset/cifar10_dataset.py`;
    - `"matrix_excl"`: https://github.com/bhanML/Co-teaching, `data/utils.py`;
    - `"matrix_incl"`: https://github.com/xjtushujun/meta-weight-net,
      `load_corrupted_data.py`;
    - `"ieg"`: https://github.com/google-research/google-research,
      `ieg/dataset_utils/datasets.py`.

    Args:
        rate: float in `[0, 1)`, the nominal noise rate r.
        seed: int, the seed of the generator.
        convention: str, one of

            - `"dividemix"` (default): exactly `int(r N)` labels are drawn
              again from all K classes, including the true one, so the actual
              noise rate is `r (K - 1) / K` (DivideMix, SANM, C2D, ELR, SSR).
            - `"exclude_true"`: exactly `int(r N)` labels change to one of the
              other K - 1 classes (DRPL).
            - `"matrix_excl"`: each label changes with probability r to one of
              the other classes (Co-teaching, CDR, PLC, F-correction).
            - `"matrix_incl"` and `"ieg"`: each label is drawn again from all K
              classes with probability r (Meta-Weight-Net and L2R; IEG and
              PENCIL).
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
        any_class = random.randint(0, num_classes, len(labels))
        return np.where(flip, any_class, labels)

    _conventions = {
        "dividemix": _exact,
        "exclude_true": _exact_others,
        "matrix_excl": _independent_others,
        "matrix_incl": _independent,
        "ieg": _independent,
    }
