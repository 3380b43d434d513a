"""The exception that the package raises for invalid arguments and data."""


class ConfigurationError(ValueError):
    """Invalid arguments or data.

    The message contains what was expected, what was received and, where
    possible, how to fix it. The commands print it in one line; any other
    exception is a fault of the package and keeps its traceback.
    """

    # AutoGraph raises errors of traced functions again, by their own class if
    # its constructor is that of `Exception`, and as another class otherwise.
    __init__ = Exception.__init__
