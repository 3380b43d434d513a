"""The Markdown pages for readers: the README and those of `docs/`."""

import glob
import os
import re
import shlex

from tests import imports

README = os.path.join(imports.ROOT, "README.md")
DOCS = os.path.join(imports.ROOT, "docs")


def of_docs():
    """Paths of the pages of the documentation that are written by hand."""
    found = glob.glob(os.path.join(DOCS, "**", "*.md"), recursive=True)
    made = (os.path.join("commands", "generated"), "_build")
    return sorted(p for p in found if not any(m in p for m in made))


def name_of(path):
    """A page's path from the project's folder on, with "/"."""
    return os.path.relpath(path, imports.ROOT).replace(os.sep, "/")


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def blocks(path, language):
    """The code blocks of a page in some language, in order."""
    fenced = rf"^```{language}\n(.*?)^```"
    return re.findall(fenced, read(path), flags=re.DOTALL | re.MULTILINE)


def command_lines(path):
    """The commands of this project in a page's bash blocks.

    Returns:
        list of (module, flags): the module that `python -m` runs, and a list
        of its arguments.
    """
    found = []
    for block in blocks(path, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.split("&&")[-1])
            if words[:2] == ["python", "-m"]:
                found.append((words[2], words[3:]))
    return found


def links(path):
    """Targets of a page's links and pictures inside the project.

    Returns:
        list of (file, anchor): an absolute path, and "" or what follows "#".
    """
    text = re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        folder = os.path.dirname(path)
        place = os.path.join(folder, file) if file else path
        found.append((os.path.normpath(place), anchor))
    return found


def anchors(path):
    """Anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", read(path), flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", h.lower()) for h in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}
