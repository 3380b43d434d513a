"""Writes constraints for pip: the oldest versions, and those of today.

    python -m tests.constraints minimum
    python -m tests.constraints exact

`constraints/minimum.txt` has the lower bounds of setup.cfg, and
`constraints/exact.txt` what this environment has of all that the project
requires, directly or through others.
"""

import configparser
import os
import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import imports

SETUP = os.path.join(imports.ROOT, "setup.cfg")
MINIMUM = os.path.join(imports.ROOT, "constraints", "minimum.txt")
EXACT = os.path.join(imports.ROOT, "constraints", "exact.txt")

# The extras that an exact environment has. The loggers bring their own
# servers, which keep other packages from their newest versions.
EXTRAS = ("audit", "docs", "parquet", "pretrained", "serving", "test")

_MINIMUM = """\
# The oldest versions that setup.cfg allows, for Python 3.11:
#     pip install -c constraints/minimum.txt '.[test]'
# Written by `python -m tests.constraints minimum`.
"""
_EXACT = """\
# An exact environment, in which the tests passed with Python 3.11 on Linux:
#     pip install -c constraints/exact.txt '.[test]'
# Written by `python -m tests.constraints exact` in such an environment.
"""


def requirements(*extras):
    """Reads what setup.cfg requires.

    Args:
        extras: names of extras whose requirements are added.

    Returns:
        list of `packaging.requirements.Requirement`.
    """
    config = configparser.ConfigParser()
    config.read(SETUP, encoding="utf-8")
    texts = config["options"]["install_requires"].split("\n")
    for extra in extras:
        texts += config["options.extras_require"][extra].split("\n")
    return [Requirement(text) for text in texts if text.strip()]


def all_extras():
    """Returns the names of setup.cfg's extras."""
    config = configparser.ConfigParser()
    config.read(SETUP, encoding="utf-8")
    return [*config["options.extras_require"]]


def minimum():
    """Returns what `constraints/minimum.txt` should hold, as a string.

    Raises:
        ValueError: a requirement has no lower bound.
    """
    bounds = {}
    for requirement in requirements(*all_extras()):
        lower = [s.version for s in requirement.specifier if s.operator == ">="]
        if len(lower) != 1:
            raise ValueError(
                "Expected requirements with one lower bound, as name>=1.0. "
                f"Received: {requirement}"
            )
        name = canonicalize_name(requirement.name)
        known = bounds.get(name, lower[0])
        bounds[name] = max(known, lower[0], key=Version)
    return _MINIMUM + _lines(bounds)


def exact():
    """Returns what `constraints/exact.txt` should hold, as a string.

    Raises:
        importlib.metadata.PackageNotFoundError: a required package is not
            installed.
    """
    found, done = {}, set()
    waiting = [(requirement, "") for requirement in requirements(*EXTRAS)]
    while waiting:
        requirement, extra = waiting.pop()
        marker = requirement.marker
        if marker is not None and not marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found[name] = metadata.version(name)
        for extra in ("", *requirement.extras):
            if (name, extra) in done:
                continue
            done.add((name, extra))
            for text in metadata.requires(name) or ():
                waiting.append((Requirement(text), extra))
    # Not pinned: environments bring their own, and build with another.
    found.pop("setuptools", None)
    return _EXACT + _lines(found)


def _lines(versions):
    return "".join(
        f"{name}=={version}\n" for name, version in sorted(versions.items())
    )


def main(arguments):
    writers = {"minimum": (MINIMUM, minimum), "exact": (EXACT, exact)}
    if len(arguments) != 1 or arguments[0] not in writers:
        sys.exit("expected one of minimum, exact")
    path, made = writers[arguments[0]]
    text = made()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
