"""What was found where a source was read from, and what was left out."""

import dataclasses

from noisy_keras.utils.checks import abbreviated

# Classes that are named with their counts, and names in other lists.
_CLASSES = 8
_NAMES = 5


@dataclasses.dataclass(frozen=True)
class Reading:
    """What the reading of a folder or a CSV file found, ignored and left out.

    `str(source.reading)` is a summary in a few lines.

    Attributes:
        path: str, path of the folder or the file.
        counts: dict from class (str) to its number of samples (int).
        split: str, the split that was read, or None.
        splits: dict from split (str) to what it was read from (str): the name
            of its sub-folder, or the value in a CSV file.
        ignored: dict from what was ignored (str), such as a folder, to the
            reason (str).
        left_out: dict from path (str) to the reason (str) why the file was
            left out.
        notes: tuple of str, what a person should check.
        what: str, what the samples are, in the plural.
    """

    path: str
    counts: dict[str, int]
    split: str | None = None
    splits: dict[str, str] = dataclasses.field(default_factory=dict)
    ignored: dict[str, str] = dataclasses.field(default_factory=dict)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    what: str = "images"

    @property
    def samples(self) -> int:
        """Number of samples that were read."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Returns the summary as a list of lines (str)."""
        found = f"{self.path}: {self.samples} {self.what} in "
        found += f"{len(self.counts)} classes: {self._classes()}"
        lines = [found]
        if self.splits:
            used = [
                f"{split} from {place}" if split != place else split
                for split, place in self.splits.items()
            ]
            lines.append(f"splits: {', '.join(used)}")
        for reason, names in _by_reason(self.ignored):
            lines.append(f"ignored: {abbreviated(names, _NAMES)} ({reason})")
        if self.left_out:
            lines.append(self.left_out_line())
        lines += [f"note: {note}" for note in self.notes]
        return lines

    def left_out_line(self) -> str:
        """Returns how many files were left out, and why, as one line."""
        reasons = [
            paths[0]
            + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
            + f" ({reason})"
            for reason, paths in _by_reason(self.left_out)
        ]
        count = len(self.left_out)
        return f"left out: {count} file{'s' * (count != 1)}: " + abbreviated(
            reasons, _NAMES
        )

    def _classes(self):
        ordered = sorted(self.counts.items(), key=lambda pair: -pair[1])
        if len(ordered) <= _CLASSES:
            return ", ".join(f"{n} {c}" for n, c in self.counts.items())
        ends = ordered[: _CLASSES // 2], ordered[-_CLASSES // 2 :]
        most, least = (", ".join(f"{n} {c}" for n, c in e) for e in ends)
        return f"{most}, ..., {least}"


def _by_reason(reasons):
    """Pairs of a reason and the names that it is the reason for."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        # Details of single files follow in brackets.
        found.setdefault(reason.partition(" (")[0], []).append(name)
    return list(found.items())
