"""Whether a run fits into memory, estimated before it trains."""

import math
import os

from trainers import UsageError

# Per weight: itself, its gradient, and what the optimizer keeps of it.
_COPIES = 3
_BYTES = 4


def check(run):
    """Raises if networks and one step cannot fit into memory.

    The estimate is a lower bound: weights with their gradients and momentum,
    and half of the outputs of all layers for one batch, as the backward pass
    needs about one of two. It is compared with all the memory of the machine,
    so that what could be done is not refused.

    Args:
        run: `Run`.

    Raises:
        UsageError: they cannot.
    """
    total = _memory()
    options = run.settings.training
    batch = options["batch_size"]
    if total is None or _on_accelerator(run.strategy):
        return
    networks = run.model.networks
    weights = sum(n.count_params() for n in networks) * _COPIES * _BYTES
    outputs = batch * outputs_of(networks[0]) * _BYTES // 2
    if weights + outputs <= total:
        return
    raise UsageError(
        f"--network: expected one that fits into {_gigabytes(total)} of "
        f"memory; got {networks[0].name} with {weights // _COPIES // _BYTES:,} "
        f"weights, which need {_gigabytes(weights)}, and batches of {batch} "
        f"whose layers need {_gigabytes(outputs)}. A smaller --image_size, "
        "--batch_size or network needs less."
    )


def outputs_of(network):
    """Numbers that the layers of a network put out for one image.

    Args:
        network: functional `keras.Model`.

    Returns:
        int. Layers whose outputs are not known count as nothing.
    """
    count = 0
    for layer in network._flatten_layers(include_self=False):
        for node in layer._inbound_nodes[-1:]:
            for tensor in node.outputs:
                shape = tensor.shape[1:]
                if None not in shape:
                    count += math.prod(shape)
    return count


def _memory():
    """Bytes of the machine's memory, or None where it is not known."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    return pages * size if pages > 0 and size > 0 else None


def _on_accelerator(strategy):
    """Whether networks are on a GPU or TPU, with a memory of its own."""
    # Imported here: the estimate alone does not need it.
    import tensorflow as tf

    kinds = {d.device_type for d in tf.config.list_logical_devices()}
    return bool(kinds & {"GPU", "TPU"}) or strategy.num_replicas_in_sync > 1


def _gigabytes(count):
    return f"{count / 2**30:.1f} GiB"
