"""What training under a `tf.distribute` strategy needs beside Keras.

Keras 3.15 cannot `fit` under `MultiWorkerMirroredStrategy`: its symbolic
build reduces a per-replica batch wrongly, and scalar metrics cannot be reduced
between workers. `NoisyLabelModel` builds itself and reports metrics through
`reducible`, which mends both.
"""

import tensorflow as tf


def num_replicas() -> int:
    """Replicas that share a step: 1 without a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def all_gather(tensor):
    """Concatenates a tensor of all replicas along the batch axis.

    Args:
        tensor: `[B, ...]` of this replica.

    Returns:
        `[replicas * B, ...]`, the same on every replica; the tensor itself
        where there is one replica or none.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    return context.all_gather(tensor, axis=0)


def is_multi_worker(strategy) -> bool:
    """Whether a strategy spans several processes."""
    return (
        isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        and strategy.extended._in_multi_worker_mode()
    )


def is_chief(strategy=None) -> bool:
    """Whether this process writes the files of a run."""
    strategy = strategy or tf.distribute.get_strategy()
    resolver = getattr(strategy, "cluster_resolver", None)
    if resolver is None or not is_multi_worker(strategy):
        return True
    return resolver.task_type in (None, "chief") or (
        resolver.task_type == "worker"
        and resolver.task_id == 0
        and "chief" not in resolver.cluster_spec().jobs
    )


def reducible(metrics, strategy):
    """Gives metric results the shape that Keras can reduce.

    Args:
        metrics: dict of scalars.
        strategy: the model's.

    Returns:
        The dict, its values of shape `[1]` under several workers.
    """
    if not is_multi_worker(strategy):
        return metrics
    return {name: tf.reshape(v, [1]) for name, v in metrics.items()}
