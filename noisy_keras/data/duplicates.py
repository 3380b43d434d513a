"""Pictures that occur more than once, with other labels or in other splits.

Identical pictures have the same bytes. Nearly identical ones are found by
their difference hashes and compared in 9 x 8 pixels: see
`noisy_keras.data.io.prints`.
Time and memory grow in proportion to the number of pictures.
"""

import collections
import collections.abc
import dataclasses

import numpy as np

from noisy_keras.data.io import prints as prints_module
from noisy_keras.data.sources.array_source import ArraySource
from noisy_keras.data.sources.source import Source

IDENTICAL, SIMILAR = "identical", "nearly identical"

# Parts of a hash of 64 bits that are compared at a time, and the number of
# pictures of equal part with which each picture is compared, at most. Two
# hashes that differ in up to seven bits agree in one of eight bytes.
_PARTS = ((">u2", 8), (">u1", 4))
# Largest mean and single difference of nearly identical pictures, in levels.
_MEAN, _MOST = 3.0, 24
# Pictures compared at a time.
_COMPARED = 2**14
# A smaller range of levels is that of an empty picture, of which there may be
# many that have nothing to do with each other.
_PLAIN = 16
# Number of pixels read at a time, which take about 50 MB.
_PIXELS = 2**20


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two samples with the same picture.

    Attributes:
        path, other_path: str, paths of their files below the sources' folders,
            or their ids.
        label, other_label: str, their given classes.
        split, other_split: str, names of their sources, such as `"train"`.
        kind: str, `"identical"` or `"nearly identical"`.
    """

    path: str
    label: str
    split: str
    other_path: str
    other_label: str
    other_split: str
    kind: str


#: Names of the fields of a `Pair`, the columns of a table of them.
COLUMNS = tuple(field.name for field in dataclasses.fields(Pair))


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """Pictures that occur more than once.

    Attributes:
        pairs: tuple of `Pair`s whose labels or splits differ. A picture that
            occurs n times is in at most n - 1 of them.
        groups: dict from the name of a split to an int array `[N]`: samples
            with the same picture have the same number, over all splits; it is
            the position of the first of them, counted over the splits.
    """

    pairs: tuple
    groups: dict

    @property
    def mislabelled(self) -> int:
        """Number of pairs with different labels."""
        return sum(p.label != p.other_label for p in self.pairs)

    @property
    def across(self) -> int:
        """Number of pairs in different splits."""
        return sum(p.split != p.other_split for p in self.pairs)


def find_duplicates(**sources: Source) -> Duplicates:
    """Finds pictures that occur more than once in some sources.

    Args:
        **sources: `Source`s by the names of their splits, such as
            `train=source, test=other`. Sources of files must have been checked
            by `readable`, as `from_folder` and `from_csv` do; of more than
            100,000 files, and of shards, no duplicates are looked for.

    Returns:
        `Duplicates`.

    Example:
        >>> images = np.random.RandomState(0).randint(0, 256, (4, 8, 8, 3))
        >>> images[3] = images[0]
        >>> source = nk.data.from_arrays(images.astype(np.uint8), [0, 1, 0, 1])
        >>> found = nk.data.find_duplicates(train=source)
        >>> found.mislabelled, found.pairs[0].kind
        (1, 'identical')
    """
    known = {
        name: prints
        for name, source in sources.items()
        if (prints := _prints(source)) is not None
    }
    if not known:
        return Duplicates((), {})
    prints = prints_module.Prints(
        np.concatenate([p.digests for p in known.values()]),
        np.concatenate([p.reduced for p in known.values()]),
    )
    places = [
        (n, row) for n, found in known.items() for row in range(len(found))
    ]
    union = _Union(len(prints))
    _join_identical(prints, union)
    _join_similar(prints, union)
    groups = union.groups()
    pairs = _pairs(sources, places, prints, groups)
    ends = np.cumsum([len(p) for p in known.values()])[:-1]
    parts = np.split(groups, ends)
    return Duplicates(tuple(pairs), dict(zip(known, parts, strict=True)))


def _prints(source):
    found = getattr(source, "prints", None)
    if found is not None or not isinstance(source, ArraySource):
        return found
    prints = prints_module.empty(source.num_samples)
    count = max(1, _PIXELS // int(np.prod(source.image_shape)))
    for start in range(0, source.num_samples, count):
        rows = np.arange(start, min(start + count, source.num_samples))
        images = source.fetch(rows).numpy() * (255.0 / source.pixel_scale)
        images = np.clip(np.round(images), 0, 255).astype(np.uint8)
        for row, image in zip(rows, images, strict=True):
            prints.digests[row] = prints_module.digest(image.tobytes())
            prints.reduced[row] = prints_module.reduced(image)
    return prints


class _Union:
    """Sets of numbers that are joined (union-find)."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def top(self, number):
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def join(self, one, other):
        one, other = sorted((self.top(one), self.top(other)))
        self._above[other] = one

    def groups(self):
        return np.asarray([self.top(k) for k in range(len(self._above))], int)


def _join_identical(prints, union):
    first: dict[bytes, int] = {}
    for number, digest in enumerate(prints.digests):
        before = first.setdefault(digest.tobytes(), number)
        if before != number:
            union.join(before, number)


def _join_similar(prints, union):
    reduced = prints.reduced.reshape(len(prints), -1).astype(np.int16)
    spread = np.ptp(prints.reduced.reshape(len(prints), -1, 3), axis=1)
    shown = np.flatnonzero(spread.max(axis=1) >= _PLAIN)
    packed = np.packbits(prints.hashes, axis=1)
    # Among those of equal part, pictures of similar brightness are neighbours.
    bright = reduced.sum(axis=1, dtype=np.int32)
    near = int(_MEAN * reduced.shape[1])
    for kind, neighbours in _PARTS:
        for part in packed.view(kind).T:
            order = shown[np.lexsort((bright[shown], part[shown]))]
            for step in range(1, neighbours + 1):
                one, other = order[:-step], order[step:]
                alike = (part[one] == part[other]) & (
                    np.abs(bright[one] - bright[other]) <= near
                )
                _join_alike(reduced, one[alike], other[alike], union)


def _join_alike(reduced, one, other, union):
    for start in range(0, len(one), _COMPARED):
        left = one[start : start + _COMPARED]
        right = other[start : start + _COMPARED]
        away = np.abs(reduced[left] - reduced[right])
        same = (away.mean(axis=1) <= _MEAN) & (away.max(axis=1) <= _MOST)
        for pair in zip(left[same], right[same], strict=True):
            union.join(*map(int, pair))


def _pairs(sources, places, prints, groups):
    """One pair for each sample whose label or split differs from an earlier."""
    members = collections.defaultdict(list)
    for number, group in enumerate(groups.tolist()):
        members[group].append(number)
    for group in members.values():
        # The first sample of each label and split.
        firsts: dict[tuple, int] = {}
        for number in group:
            split, row = places[number]
            key = int(sources[split].labels[row]), split
            others = [k for k in firsts if k[0] != key[0]]
            others += [k for k in firsts if k[0] == key[0] and k[1] != split]
            if others:
                yield _pair(sources, places, prints, number, firsts[others[0]])
            firsts.setdefault(key, number)


def _pair(sources, places, prints, number, before):
    sides = []
    for place in (before, number):
        split, row = places[place]
        source = sources[split]
        names = source.ids if source.paths is None else source.paths
        label = source.class_names[source.labels[row]]
        sides += [str(names[row]), label, split]
    same = (prints.digests[number] == prints.digests[before]).all()
    return Pair(*sides, IDENTICAL if same else SIMILAR)


def twins(
    groups: np.ndarray, rows: collections.abc.Sequence[int]
) -> np.ndarray:
    """Which of some samples have the same picture as one of the others.

    Args:
        groups: int array `[N]`, as in `Duplicates`.
        rows: int sequence `[n]`, positions of the samples.

    Returns:
        bool array `[n]`.
    """
    rest = np.ones(len(groups), bool)
    rest[rows] = False
    return np.isin(groups[rows], groups[rest])
