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


def replica_id():
    """Number of this replica, from 0: an int, or an int32 scalar."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def all_gather(tensor):
    """Concatenates a tensor of all replicas along the batch axis.

    Its gradient is that of what all replicas make of it: the sum of theirs.

    Args:
        tensor: `[B, ...]` of this replica.

    Returns:
        `[replicas * B, ...]`, the same on every replica; the tensor itself
        where there is one replica or none.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    # The gather asks on which device the tensor lies; the input of a step,
    # fresh from the iterator, does not say.
    gathered = context.all_gather(tf.identity(tensor), axis=0)
    # The gather forgets how many rows there are; batches are static.
    rows = tensor.shape[0]
    total = None if rows is None else rows * context.num_replicas_in_sync
    return tf.ensure_shape(gathered, [total, *tensor.shape[1:]])


def statically_shaped(fields, batch_size, strategy):
    """Tells the batch axis of tensors that have lost it.

    Several workers hand out batches whose first axis is unknown, in case the
    last is smaller; rounds have no smaller ones.

    Args:
        fields: structure of tensors.
        batch_size: over all replicas, or None to leave them.
        strategy: the model's.

    Returns:
        The structure, with static shapes.
    """
    if batch_size is None:
        return fields
    size = batch_size // strategy.num_replicas_in_sync
    return tf.nest.map_structure(
        lambda t: tf.ensure_shape(t, [size, *t.shape[1:]]), fields
    )


def synchronizer(strategy, networks):
    """A function that makes all replicas' copies of statistics equal.

    Batch normalisation keeps moving statistics per replica; without this each
    replica and worker would predict with its own, and save its own.

    Args:
        strategy: the model's.
        networks: whose statistics, variables of float32, are meant.

    Returns:
        A function without arguments that sets every copy to the mean; it does
        nothing where there is one replica.
    """
    variables = [
        variable.value
        for network in networks
        for variable in network.non_trainable_variables
        if variable.dtype == "float32"
    ]
    if strategy.num_replicas_in_sync == 1 or not variables:
        return lambda: None

    def average():
        context = tf.distribute.get_replica_context()
        values = [tf.identity(v) for v in variables]
        means = context.all_reduce(tf.distribute.ReduceOp.MEAN, values)
        for variable, mean in zip(variables, means, strict=True):
            variable.assign(mean)

    return tf.function(lambda: strategy.run(average))


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
