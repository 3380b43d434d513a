"""Finding samples by ids that people or spreadsheets have written."""

import collections.abc


class Ids:
    """The ids of samples, by which their positions are found.

    Args:
        ids: iterable of str, the ids, all different.
    """

    def __init__(self, ids: collections.abc.Iterable[str]) -> None:
        self._place = {str(text): row for row, text in enumerate(ids)}
        self._loose: dict[str | int, int] | None = None

    def find(self, text: str) -> int | None:
        """Returns the position of a sample, or None if there is no such id.

        The id is looked up verbatim, then without surrounding blanks, then as
        an integer: spreadsheets turn `000012` into `12`.

        Args:
            text: str.
        """
        if text in self._place:
            return self._place[text]
        if self._loose is None:
            self._loose = self._keys()
        text = text.strip()
        if text in self._place:
            return self._place[text]
        if text in self._loose:
            return self._loose[text]
        return self._loose.get(int(text)) if _is_number(text) else None

    def _keys(self):
        """Positions by stripped ids and by integers, where these differ."""
        found: dict[str | int, int] = {}
        doubled = set()
        for text, row in self._place.items():
            keys: list[str | int] = [text.strip()]
            if _is_number(text):
                keys.append(int(text))
            for key in keys:
                if found.setdefault(key, row) != row:
                    doubled.add(key)
        return {key: row for key, row in found.items() if key not in doubled}


def _is_number(text):
    return text.isascii() and text.isdecimal() and len(text) < 20
