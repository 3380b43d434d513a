"""Names of classes and files as each format can hold them.

A name may be anything that a folder may be called: markup, formulas, newlines,
control characters, bytes that are no text. What is shown to people is made
visible here; files that are read back keep names as they are.
"""

import html
import re

# Characters that join others into one, such as the parts of an emoji.
_JOINERS = "\u200c\u200d"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$])")
# Characters that XML 1.0 cannot hold, not even escaped (section 2.2).
_NOT_XML = re.compile(
    r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def text(name: object) -> str:
    """A name as text that can be encoded in UTF-8.

    Names of files may have bytes that are no text, which Python holds as lone
    surrogates. These are written as escapes.
    """
    return str(name).encode("utf-8", "backslashreplace").decode()


def one_line(name: object) -> str:
    r"""A name in one visible line: `"a\nb"` becomes `"a\\nb"`.

    Characters that move the cursor, control a terminal or turn the direction
    of the text are written as escapes.
    """
    return "".join(map(_visible, str(name)))


def lines(shown: str) -> str:
    """Text of several lines without characters that control a terminal."""
    return "\n".join(one_line(line) for line in shown.split("\n"))


def markdown(name: object) -> str:
    """A name in Markdown that is shown as it is."""
    return _MARKDOWN.sub(r"\\\1", html.escape(one_line(name), quote=False))


def xml(name: object) -> str:
    """A name without the characters that XML cannot hold."""
    return _NOT_XML.sub(lambda found: _escaped(found[0]), str(name))


def _visible(character):
    if character.isprintable() or character in _JOINERS:
        return character
    return _escaped(character)


def _escaped(character):
    return character.encode("unicode_escape").decode()
