"""The exception and the warning for invalid or doubtful arguments and data."""

import warnings


class ConfigurationError(ValueError):
    """Invalid arguments or data.

    The message contains what was expected, what was received and, where
    possible, how to fix it. The commands print it in one line; any other
    exception is a fault of the package and keeps its traceback.
    """

    # AutoGraph raises errors of traced functions again, by their own class if
    # its constructor is that of `Exception`, and as another class otherwise.
    __init__ = Exception.__init__


class DataWarning(UserWarning):
    """Something about the data that a person should check."""


def warn_about_data(notes):
    """Issues warnings about data.

    Args:
        notes: iterable of str.
    """
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=3)
