"""Keeping TensorFlow's start-up messages out of a person's sight."""

import contextlib
import os
import sys


@contextlib.contextmanager
def native_messages(path):
    """Sends what native code writes to standard error to a file instead.

    Importing TensorFlow prints a screenful about devices that are not there,
    below Python and its log levels. It is kept, should a device be missed, and
    shown if the block raises.

    Args:
        path: of the file; its folder exists.
    """
    # And nothing of the same while training: kernels that are missing and
    # replaced are told as errors. True errors become exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(path, "ab") as stream:
            os.dup2(stream.fileno(), 2)
            try:
                yield
            except BaseException:
                os.dup2(kept, 2)
                with open(path, encoding="utf-8", errors="replace") as told:
                    sys.stderr.write(told.read())
                raise
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def expected_retracing():
    """Leaves out TensorFlow's warning of many traces.

    Each phase of a recipe has a model of its own, which is traced once.
    """
    # Imported here: it loads TensorFlow.
    import tensorflow as tf

    logger = tf.get_logger()
    logger.addFilter(lambda record: "retracing" not in record.getMessage())
