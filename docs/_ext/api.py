"""The API reference from the public names of the package.

A page lists what it documents::

    ```{api} noisy_keras.data
    from_folder
    from_csv
    ```

Without a list the block documents all public names of the module: `__all__`,
or what the module itself defines. A name that several rooms publish is
documented in the first of `ROOMS` and linked from the others. Docstrings may
write code in single backticks, and `nk.DivideMix` in a page is a link.
"""

import ast
import functools
import importlib
import inspect
import re
import types
import typing

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.pycode import ModuleAnalyzer
from sphinx.transforms import SphinxTransform
from sphinx.util.typing import stringify_annotation

PACKAGE = "noisy_keras"
#: Where a name that is published twice is documented, first match wins.
ROOMS = (
    "noisy_keras",
    "noisy_keras.data",
    "noisy_keras.data.noise",
    "noisy_keras.networks",
    "noisy_keras.mixtures",
)

BLOCK = re.compile(
    r"^```\{api\} +([\w.]+) *\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL
)
# A code span may go over the end of a line, but not of a paragraph.
_SPAN = re.compile(r"(?<!`)`((?:[^`\n]|\n(?!\s*\n))+)`(?!`)(\w?)")
_SHORT = re.compile(r"^nk\.([\w.]+?)(?:\(.*\))?$", re.DOTALL)


def public_names(module):
    """The public names of a module.

    Args:
        module: a module object.

    Returns:
        list of str: `__all__`; without one, the functions and classes that the
        module itself defines and whose names begin with no underscore.
    """
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


def documented_names(text):
    """What the `{api}` blocks of a page document.

    Args:
        text: str, the page's Markdown.

    Returns:
        dict from the name of a module to the list of its documented names.
    """
    found = {}
    for name, body in BLOCK.findall(text):
        module = importlib.import_module(name)
        names = body.split() or public_names(module)
        found.setdefault(name, []).extend(names)
    return found


def _expand(app, docname, source):
    """Replaces `{api}` blocks by the directives of autodoc."""
    del app, docname

    seen = set()

    def block(match):
        name, body = match.groups()
        module = importlib.import_module(name)
        lines = []
        if name not in seen | {PACKAGE}:
            # So that `nk.data` is a link to this page.
            lines += [f".. py:module:: {name}", ""]
        seen.add(name)
        for public in body.split() or public_names(module):
            lines += [*_directive(module, public), ""]
        return "\n".join(["```{eval-rst}", *lines, "```"])

    source[0] = BLOCK.sub(block, source[0])


def _directive(module, name):
    full = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        raise ExtensionError(f"`{module.__name__}` has no public name {name!r}")
    value = getattr(module, name)
    home = _home(module, name, value)
    if isinstance(value, types.ModuleType):
        return [f"- :py:mod:`nk.{name} <{full}>`: {_first_line(value)}"]
    if home != full:
        kind = "class" if inspect.isclass(value) else "function"
        return [
            f".. py:{kind}:: {name}",
            f"   :module: {module.__name__}",
            "",
            f"   The same as :py:obj:`{_nk(home)} <{home}>`.",
        ]
    if inspect.isclass(value) and issubclass(value, BaseException):
        return [f".. autoexception:: {full}", "   :show-inheritance:"]
    if inspect.isclass(value):
        return [f".. autoclass:: {full}", "   :members:"]
    if callable(value):
        return [f".. autofunction:: {full}"]
    text = _comment(module, name)
    return [
        f".. py:data:: {name}",
        f"   :module: {module.__name__}",
        *_value(value),
        "",
        *(f"   {_code_spans(line)}" for line in text),
    ]


def _home(module, name, value):
    """The full name under which an object is documented."""
    if isinstance(value, types.ModuleType):
        return f"{module.__name__}.{name}"
    for room in ROOMS:
        other = importlib.import_module(room)
        if getattr(other, name, None) is value:
            if name in public_names(other):
                return f"{room}.{name}"
    return f"{module.__name__}.{name}"


def _nk(full):
    return full.replace(PACKAGE, "nk", 1)


def _first_line(module):
    return (module.__doc__ or "").strip().split("\n")[0]


def _value(value):
    shown = repr(value)
    return [f"   :value: {shown}"] if len(shown) <= 200 else []


def _comment(module, name):
    """The `#:` comment of a constant, where it is defined."""
    while True:
        analyzer = ModuleAnalyzer.for_module(module.__name__)
        found = analyzer.find_attr_docs().get(("", name))
        if found:
            return found
        origin = _imported_from(module, name)
        if origin is None:
            return []
        module = importlib.import_module(origin)


def _imported_from(module, name):
    tree = ast.parse(inspect.getsource(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return node.module
    return None


# Docstrings.


def _adapt(app, what, name, obj, options, lines):
    """Markdown's code spans, and what reStructuredText would take for more."""
    del app, what, name, obj, options
    code = {}
    for number, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            code[number], lines[number] = line, ""
    lines[:] = _code_spans("\n".join(lines)).split("\n")
    for number, line in code.items():
        lines[number] = line


def _code_spans(text):
    parts, end = [], 0
    for match in _SPAN.finditer(text):
        parts.append(_escaped(text[end : match.start()]))
        code, after = match.groups()
        parts.append(_literal(code) + (f"\\ {after}" if after else ""))
        end = match.end()
    parts.append(_escaped(text[end:]))
    return "".join(parts)


def _literal(code):
    target = _target(code)
    if target is not None:
        return f":py:obj:`{code} <{target}>`"
    return f"``{code}``"


def _target(code):
    """The full name that a code span stands for, or None."""
    package = importlib.import_module(PACKAGE)
    name = re.sub(r"^(nk|noisy_keras)\.", "", code)
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        return None
    value, parts = package, name.split(".")
    for part in parts:
        value = getattr(value, part, None)
        if value is None:
            return None
    if len(parts) == 1 and name not in public_names(package):
        return None
    return f"{PACKAGE}.{name}"


def _escaped(text):
    """Prose: asterisks of arguments stay, all others mean themselves."""
    text = re.sub(r"(?<![\w`*])(\*{1,2})(?=\w+:)", r"\0\1", text)
    text = re.sub(r"(?<!\0)(?<!\0\*)([*|])", r"\\\1", text).replace("\0", "")
    return re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", text)


def _signature(app, what, name, obj, options, signature, returned):
    """That of `__init__`, which Keras hides; aliases of types by name."""
    del app, name, options
    if what == "class" and signature == "(*args, **kwargs)":
        parameters = list(inspect.signature(obj.__init__).parameters.values())
        signature = str(inspect.Signature(parameters[1:]))
    for alias, written in _aliases().items():
        signature = signature and signature.replace(written, alias)
        returned = returned and returned.replace(written, alias)
    return signature, returned


@functools.cache
def _aliases():
    """Names of unions of types, and what autodoc writes for them."""
    module = importlib.import_module(f"{PACKAGE}.utils.types")
    return {
        name: stringify_annotation(value, "smart")
        for name, value in vars(module).items()
        if typing.get_origin(value) in (typing.Union, types.UnionType)
    }


def _skip(app, what, name, obj, skip, options):
    """Fields of named tuples, whose docstring is Python's own."""
    del app, what, name, options
    if type(obj).__name__ == "_tuplegetter":
        return True
    return skip


# Pages.


class _Links(SphinxTransform):
    """Makes links of public names in code spans: `nk.DivideMix`."""

    default_priority = 5

    def apply(self, **kwargs):
        no_links = (nodes.reference, nodes.title, addnodes.pending_xref)
        for node in list(self.document.findall(nodes.literal)):
            if isinstance(node.parent, no_links):
                continue
            match = _SHORT.match(node.astext())
            if not match:
                continue
            link = addnodes.pending_xref(
                "",
                node.deepcopy(),
                refdomain="py",
                reftype="obj",
                reftarget=f"{PACKAGE}.{match.group(1)}",
                refexplicit=True,
                refdoc=self.env.docname,
                refwarn=False,
            )
            node.replace_self(link)


def setup(app):
    app.connect("source-read", _expand)
    # Before napoleon, which reads sections.
    app.connect("autodoc-process-docstring", _adapt, priority=400)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    app.add_transform(_Links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
