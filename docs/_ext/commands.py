"""The command-line reference, from the flags that the commands define.

Each command is started in a process of its own, up to the point where it would
read its arguments, so the tables cannot differ from what the commands take.
The pages are written to `docs/commands/generated/` before Sphinx reads them.
"""

import ast
import concurrent.futures
import importlib
import json
import os
import re
import subprocess
import sys

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_TYPES = {
    "bool": "boolean",
    "comma separated list of strings": "list, separated by commas",
    "int": "integer",
}
FOLDER = os.path.join("commands", "generated")
# A flag of so many trainers is listed apart from a trainer's own.
_SHARED_FROM = 8

# Runs a command as `python -m` does, until it would read its arguments.
_PROBE = """
import argparse, json, runpy, sys
from absl import app, flags

def shown(value):
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return value if value is None else str(value)

def end(found):
    sys.stdout.write("\\n\\0" + json.dumps(found))
    sys.stdout.flush()
    raise SystemExit(0)

def of_absl(*_, **__):
    found = []
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        ours = module.split(".")[0] in ("trainers", "export", "noisy_keras")
        if not ours and module != sys.argv[0]:
            continue
        for flag in defined:
            kind = flag.flag_type()
            values = getattr(flag.parser, "enum_values", None)
            found.append({
                "name": flag.name,
                "type": "|".join(values) if values else kind,
                "boolean": bool(flag.boolean),
                "default": shown(flag.default),
                # absl puts the choices of an enumeration before its help.
                "help": flag.help.split(">: ", 1)[-1] if values else flag.help,
            })
    end(found)

def of_argparse(parser, *_, **__):
    found = []
    for action in parser._actions:
        names = [n for n in action.option_strings if n.startswith("--")]
        if "--help" in names:
            continue
        kind = getattr(action.type, "__name__", "string")
        if action.nargs == 0:
            kind = "boolean"
        if action.choices:
            kind = "|".join(str(c) for c in action.choices)
        found.append({
            "name": (names or [action.dest])[0].removeprefix("--"),
            "positional": not names,
            "type": kind,
            "boolean": False,
            "required": bool(action.required),
            "default": shown(action.default) or None,
            "help": (action.help or "") % {"default": action.default},
        })
    end(found)

app.run = of_absl
argparse.ArgumentParser.parse_args = of_argparse
argparse.ArgumentParser.parse_known_args = of_argparse
module = sys.argv.pop()
sys.argv = [module]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as error:
    if error.code == 0:
        raise
# It went on to its end: it takes no flags, but what it is for by position.
end([])
"""


def modules():
    """The commands of the project: names of modules for `python -m`."""
    return list(_names())


def _names():
    """Names of the console script's commands, by module."""
    command = importlib.import_module("trainers.__main__")
    return {module: name for name, module in command.commands().items()}


def flags_of(module):
    """The flags of a command.

    Args:
        module: str, its name for `python -m`.

    Returns:
        list of dicts with `name`, `type`, `default` and `help`.

    Raises:
        ExtensionError: the module does not run.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, module],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": _ROOT, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    _, mark, found = done.stdout.rpartition("\0")
    if not mark:
        raise ExtensionError(
            f"`python -m {module}` does not run: {done.stderr.strip()}"
        )
    return sorted(json.loads(found), key=lambda flag: flag["name"])


def description_of(module):
    """The docstring of a command's module: its first line, and the rest."""
    path = os.path.join(_ROOT, *module.split("."))
    path = f"{path}.py" if os.path.exists(f"{path}.py") else path
    if os.path.isdir(path):
        path = os.path.join(path, "__main__.py")
    with open(path, encoding="utf-8") as stream:
        text = ast.get_docstring(ast.parse(stream.read())) or ""
    first, _, rest = text.partition("\n\n")
    return " ".join(first.split()), rest.strip()


def page(module, flags, shared=()):
    """The page of a command, in Markdown.

    Args:
        module: str, its name for `python -m`.
        flags: list of dicts, as `flags_of` returns.
        shared: set of names of flags that most trainers have.

    Returns:
        str.
    """
    first, rest = description_of(module)
    parts = [
        f"# {_names()[module]}",
        first,
        f"`noisy-keras {_names()[module]}`, or `python -m {module}`.",
    ]
    if rest:
        parts.append(f"```text\n{rest}\n```")
    own = [f for f in flags if f["name"] not in shared]
    common = [f for f in flags if f["name"] in shared]
    if own:
        parts += ["## Flags" if not common else "## Flags of this command"]
        parts.append(_table(own))
    if common:
        parts += ["## Flags that the trainers share", _table(common)]
    return "\n\n".join(parts) + "\n"


def _table(flags):
    rows = ["| flag | type | default | description |", "|---|---|---|---|"]
    for flag in flags:
        name = flag["name"]
        shown = name if flag.get("positional") else f"--{name}"
        if flag["boolean"]:
            shown = f"--[no]{name}"
        default = "*required*" if flag.get("required") else ""
        if flag["default"] is not None:
            default = f"`{flag['default']}`" if flag["default"] else "*empty*"
        kind = _TYPES.get(flag["type"], flag["type"])
        cells = [f"`{shown}`", _choices(kind), default, _prose(flag["help"])]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([":::{container} flags stacked", *rows, ":::"])


def _choices(kind):
    if "|" not in kind:
        return kind
    return ", ".join(f"`{value}`" for value in kind.split("|"))


def _prose(text):
    """Help in Markdown: flags as code, all else as it is."""
    text = " ".join((text or "").split())
    parts = re.split(r"(--\w+(?:=[\w|:.]+)?)", text)
    for number, part in enumerate(parts):
        if number % 2:
            parts[number] = f"`{part}`".replace("|", "\\|")
        else:
            parts[number] = re.sub(r"([|*<_])", r"\\\1", part)
    return "".join(parts)


def _write(app):
    names = modules()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(names, pool.map(flags_of, names), strict=True))
    counts = {}
    for flags in found.values():
        for flag in flags:
            key = (flag["name"], flag["help"])
            counts[key] = counts.get(key, 0) + 1
    folder = os.path.join(app.srcdir, FOLDER)
    os.makedirs(folder, exist_ok=True)
    wanted = {}
    for name, flags in found.items():
        shared = {
            flag["name"]
            for flag in flags
            if counts[flag["name"], flag["help"]] >= _SHARED_FROM
        }
        wanted[f"{name}.md"] = page(name, flags, shared)
    for old in set(os.listdir(folder)) - set(wanted):
        os.remove(os.path.join(folder, old))
    for file, text in wanted.items():
        _replace(os.path.join(folder, file), text)


def _replace(path, text):
    """Writes a page, unless it says the same: Sphinx would read it again."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            if stream.read() == text:
                return
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


class _Flags(SphinxTransform):
    """Marks flags in code spans, which lines should not break."""

    default_priority = 4

    def apply(self, **kwargs):
        for node in self.document.findall(nodes.literal):
            if node.astext().startswith("--"):
                node["classes"].append("flag")


def setup(app):
    app.add_transform(_Flags)
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
