"""The command `noisy-keras`: every command of the package by its name.

noisy-keras sanm --dataset=cifar10 --noise_rate=0.8
noisy-keras audit --run=runs/sanm-cifar10-20260101-120000

It does the same as `python -m trainers.sanm` and the like. `python -m` also
looks for modules in the current directory, where a folder `trainers` or a file
`export.py` hides the package's own; this command does not.
"""

import ast
import difflib
import os
import runpy
import sys

_TRAINERS = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(_TRAINERS)
# Commands that are no file of `trainers`, by the module that they run.
_ELSEWHERE = {
    "run": "trainers.run",
    "export": "export",
    "builders": "noisy_keras.data.builders",
    "example": "noisy_keras.data.example",
    "shard": "noisy_keras.data.shard",
}
#: Commands on finished runs.
FINISHED = ("analyze", "audit", "export", "predict", "report")
_DATA = ("builders", "example", "features", "shard")


def commands():
    """The commands.

    Returns:
        dict from the name of each, sorted, to the module that it runs.
    """
    names = [n.removesuffix(".py") for n in os.listdir(_TRAINERS)]
    files = [n for n in names if os.path.isfile(f"{_TRAINERS}/{n}.py")]
    found = {n: f"trainers.{n}" for n in files if not n.startswith("_")}
    return dict(sorted((found | _ELSEWHERE).items()))


def summary_of(module):
    """What a command does, from its docstring; nothing is imported.

    Args:
        module: str, its name for `python -m`.

    Returns:
        str, one line.
    """
    path = os.path.join(_ROOT, *module.split("."))
    path = f"{path}/__main__.py" if os.path.isdir(path) else f"{path}.py"
    with open(path, encoding="utf-8") as stream:
        text = ast.get_docstring(ast.parse(stream.read())) or ""
    message = " ".join(text.partition("\n\n")[0].split())
    return message.replace(", from the command line", "")


def help_text():
    """What `--help` prints: a line for every command."""
    found = commands()
    after = (*FINISHED, *_DATA)
    groups = {
        "Train a model:": [n for n in found if n not in after],
        "Use a finished run:": FINISHED,
        "Prepare data:": _DATA,
    }
    width = max(map(len, found))
    lines = ["usage: noisy-keras COMMAND [--FLAG=VALUE ...]", ""]
    for title, names in groups.items():
        lines.append(title)
        lines += [f"  {n:<{width}}  {summary_of(found[n])}" for n in names]
        lines.append("")
    lines.append("`noisy-keras COMMAND --help` lists the flags of a command.")
    return "\n".join(lines)


def version():
    """The version of the package, without importing it."""
    path = os.path.join(_ROOT, "noisy_keras", "version.py")
    return runpy.run_path(path)["__version__"]


def main(arguments=None):
    """Runs a command.

    Args:
        arguments: list of str; default: those of the process.

    Returns:
        int, exit status where no command was run: 0 after `--help` and
        `--version`, 2 for an unknown command.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    found = commands()
    if not arguments:
        return _fail("expected a command", found)
    name, *rest = arguments
    if name in ("--help", "-h", "help") and not rest:
        print(help_text())
        return 0
    if name == "--version":
        print(f"noisy_keras {version()}")
        return 0
    module = found.get(name.replace("-", "_"))
    if module is None:
        return _fail(f"expected a command; got {name!r}", found, name)
    # As `python -m` does, but without the current directory to import from.
    sys.argv = [f"noisy-keras {name}", *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _fail(message, known, name=None):
    near = difflib.get_close_matches(name, known, 3, 0.5) if name else []
    hint = "`noisy-keras --help` lists them"
    if near:
        hint = f"did you mean {' or '.join(near)}? {hint}"
    print(f"error: {message}; {hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
