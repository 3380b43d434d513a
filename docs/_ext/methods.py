"""A table of all methods, from their pages: `{methods}`.

A page in `docs/methods/` is listed by its title and its first paragraph, so a
method that gets a page is listed.
"""

import os

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def listed(folder):
    """The methods that have a page.

    Args:
        folder: str, path of the pages.

    Returns:
        list of (page, title, first paragraph), sorted by title; page is the
        name of its file without ending.
    """
    found = []
    for name in sorted(os.listdir(folder)):
        page, ending = os.path.splitext(name)
        if ending != ".md" or page == "index":
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as stream:
            blocks = stream.read().split("\n\n")
        title = blocks[0].removeprefix("# ").strip()
        found.append((page, title, " ".join(blocks[1].split())))
    return sorted(found, key=lambda method: method[1].lower())


def class_of(page):
    """The public class of a page: `nk.<Class>`, or an empty str."""
    import noisy_keras as nk

    for name in nk.__all__:
        if name.lower() == page.replace("_", ""):
            return f"nk.{name}"
    return ""


def command_of(page, root):
    """The command of a page: `trainers.<page>`, or an empty str."""
    there = os.path.exists(os.path.join(root, "trainers", f"{page}.py"))
    return f"trainers.{page}" if there else ""


class MethodsDirective(SphinxDirective):
    """Writes the table where the directive stands."""

    def run(self):
        source = str(self.env.srcdir)
        lines = [
            "| method | class | command | idea |",
            "|---|---|---|---|",
        ]
        for page, title, idea in listed(os.path.join(source, "methods")):
            self.env.note_dependency(
                os.path.join(source, "methods", f"{page}.md")
            )
            code = [
                f"`{name}`" if name else ""
                for name in (
                    class_of(page),
                    command_of(page, os.path.dirname(source)),
                )
            ]
            lines.append(
                f"| [{title}]({page}.md) | {' | '.join(code)} | {idea} |"
            )
        container = nodes.container(classes=["stacked"])
        self.state.nested_parse(lines, self.content_offset, container)
        return [container]


def setup(app):
    app.add_directive("methods", MethodsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
