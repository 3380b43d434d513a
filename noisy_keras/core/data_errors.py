"""What an error of reading data means, where TensorFlow has hidden it."""

import contextlib

from noisy_keras.utils.errors import ConfigurationError


@contextlib.contextmanager
def explained(*data):
    """Raises what a source has raised inside `tf.data`, as it was.

    `tf.data` turns errors of Python into its own, whose messages are
    tracebacks. A source of files therefore remembers its error.

    Args:
        *data: data that the block reads; `Source`s or anything else.

    Raises:
        ConfigurationError: a source could not read its files.
    """
    try:
        yield
    except ConfigurationError:
        raise
    except Exception:
        for source in data:
            failure = getattr(source, "failure", None)
            if isinstance(failure, ConfigurationError):
                raise ConfigurationError(str(failure)) from None
        raise
