"""How a command ends: what a user cannot have is told in one line."""

import os
import sys

from absl import app
from absl import flags
from absl import logging


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why."""


def require_file(flag, path, what):
    """Raises unless a flag names a file.

    Args:
        flag: its name.
        path: its value; whether remote paths are there, TensorFlow will tell.
        what: was expected.

    Raises:
        UsageError: there is no such file.
    """
    local = "://" not in path
    if local and not os.path.isfile(os.path.expanduser(path)):
        raise UsageError(
            f"--{flag}: expected {what}; got {path!r}, which is no file"
        )


def require_run(folder):
    """Raises unless `--run` was given.

    Args:
        folder: its value.

    Raises:
        UsageError: it was not.
    """
    if folder is None:
        raise UsageError("--run: expected the folder of a run; got none")


def require_some(flag, given, allowed, what):
    """Raises unless a flag lists some of what it can.

    Args:
        flag: its name.
        given: its value, a list.
        allowed: what may be in it.
        what: these are, in the message.

    Raises:
        UsageError: it lists others, or nothing.
    """
    wrong = [name for name in given if name not in allowed]
    if wrong or not given:
        raise UsageError(
            f"--{flag}: expected {what} {', '.join(allowed)}; "
            f"got {', '.join(wrong) or 'none'}"
        )


def run(main):
    """Runs a command; flags that it does not have end it in one line.

    Args:
        main: function of the arguments that are no flags.
    """
    # `--help` lists the flags that are the command's own, and ours are defined
    # where several commands have them from; `--helpfull` has absl's as well.
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith(("trainers.", "export.")):
            for flag in defined:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(main, flags_parser=_parsed)


def _parsed(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        told = " ".join(str(error).split()).rstrip(" .?")
        sys.exit(_fail(f"{told}; --help tells the flags", 2))


def status_of(argv, action):
    """Does what a command is for.

    Args:
        argv: what absl left over: nothing but the program.
        action: function without arguments.

    Returns:
        Exit status: 0, 1 when training diverged, 2 for what cannot be done.
    """
    if not flags.FLAGS["verbosity"].present:
        # TensorFlow reports every checkpoint through absl, which a run's own
        # lines would drown in.
        logging.set_verbosity(logging.WARNING)
    try:
        if len(argv) > 1:
            raise UsageError(
                "expected flags of the form --name=value; "
                f"got {' '.join(argv[1:])!r}"
            )
        action()
    except UsageError as error:
        return _fail(error, 2)
    except FloatingPointError as error:
        return _fail(error, 1)
    return 0


def _fail(error, status):
    print(f"error: {error}", file=sys.stderr)
    return status
