"""The errors that the package raises for what it was given."""


class ConfigurationError(ValueError):
    """Arguments or data that do not fit.

    The message names what was expected, what was received and, where it helps,
    how to mend it. The commands print it in one line; any other error is a
    fault of the package and keeps its traceback.
    """
