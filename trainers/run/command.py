"""Parsing a command's flags, and how it ends: errors are one line each."""

import sys

from absl import app
from absl import flags
from absl import logging

from trainers import UsageError


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
