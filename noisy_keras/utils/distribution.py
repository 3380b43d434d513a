"""Additions to Keras for training under a `tf.distribute` strategy.

Keras 3.15 cannot `fit` under `MultiWorkerMirroredStrategy`: its symbolic build
reduces a per-replica batch incorrectly, and scalar metrics cannot be reduced
between workers. `NoisyLabelModel` builds itself and reports metrics through
`reducible` to avoid both.
"""

import tensorflow as tf


def num_replicas() -> int:
    """Number of replicas that share a step; 1 without a strategy."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_id():
    """Number of this replica from 0: an int or an int32 scalar tensor."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def all_gather(tensor):
    """Concatenates the tensors of all replicas along the batch axis.

    Its gradient is the sum of the gradients of all replicas.

    Args:
        tensor: tensor `[B, ...]` of this replica.

    Returns:
        Tensor `[replicas * B, ...]`, the same on every replica. `tensor` itself
        with one replica or outside of a replica context.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tensor
    # `all_gather` needs the device of the tensor, which the input of a step,
    # fresh from the iterator, does not have; `identity` places it.
    gathered = context.all_gather(tf.identity(tensor), axis=0)
    # `all_gather` loses the static number of rows.
    rows = tensor.shape[0]
    total = None if rows is None else rows * context.num_replicas_in_sync
    return tf.ensure_shape(gathered, [total, *tensor.shape[1:]])


def statically_shaped(fields, batch_size, strategy):
    """Restores the static batch size of tensors that have lost it.

    With several workers, datasets yield batches of unknown size, because the
    last batch could be smaller. Batches of a round are all of one size.

    Args:
        fields: structure of tensors.
        batch_size: int, batch size over all replicas; None leaves the shapes as
            they are.
        strategy: `tf.distribute.Strategy` of the model.

    Returns:
        The structure of tensors with static batch sizes.
    """
    if batch_size is None:
        return fields
    size = batch_size // strategy.num_replicas_in_sync
    return tf.nest.map_structure(
        lambda t: tf.ensure_shape(t, [size, *t.shape[1:]]), fields
    )


def synchronizer(strategy, networks):
    """Makes a function that averages moving statistics over replicas.

    Batch normalisation keeps moving statistics per replica. Without averaging,
    each replica and worker would predict with, and save, its own.

    Args:
        strategy: `tf.distribute.Strategy` of the model.
        networks: list of `keras.Model`, whose non-trainable float32 variables
            are averaged.

    Returns:
        Callable without arguments that sets every copy to the mean. It does
        nothing with one replica.
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
    """Whether this process writes the files of a run.

    Args:
        strategy: `tf.distribute.Strategy`; None takes the current one.

    Returns:
        Bool; True in exactly one of the processes.
    """
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
    """Reshapes metric results so that Keras can reduce them between workers.

    Args:
        metrics: dict from name to scalar tensor.
        strategy: `tf.distribute.Strategy` of the model.

    Returns:
        The dict; with several workers, its values have the shape `[1]`.
    """
    if not is_multi_worker(strategy):
        return metrics
    return {name: tf.reshape(v, [1]) for name, v in metrics.items()}
