"""Distribution strategies by name."""

import os

import tensorflow as tf

from trainers import UsageError


def make(name):
    """A strategy by name.

    Args:
        name: str, `"auto"`: by `TF_CONFIG` and the devices; `"none"`;
            `"mirrored"`: all GPUs of this machine; `"multi_worker"`: the
            cluster of `TF_CONFIG`; or `"tpu"`.

    Returns:
        A `tf.distribute.Strategy`.

    Raises:
        UsageError: the cluster or the device that it needs is missing.
    """
    if name == "auto":
        name = _suggested()
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multi_worker":
        if "TF_CONFIG" not in os.environ:
            raise UsageError(
                "--distribute: multi_worker needs the cluster in the "
                "environment variable TF_CONFIG, which is not set."
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise UsageError(f"--distribute: no TPU was found: {error}") from error
    return tf.distribute.TPUStrategy(resolver)


def _suggested():
    if '"worker"' in os.environ.get("TF_CONFIG", ""):
        return "multi_worker"
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return "mirrored"
    return "none"
