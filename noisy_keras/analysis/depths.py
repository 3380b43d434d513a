"""Feature maps at several depths of a functional network."""

import collections
import dataclasses

import keras
import numpy as np

from noisy_keras.utils.errors import ConfigurationError

# Layers and operations of `keras.ops` that merge branches.
_MERGES = ("Add", "Average", "Concatenate", "Maximum")


@dataclasses.dataclass(frozen=True)
class Depth:
    """A place in a network.

    Attributes:
        name: str, `"stem"`, `"block 3"`, `"layer 3"` or `"embedding"`.
        layer: str, name of the Keras layer whose output it is.
        shape: tuple of int, shape of the output without the batch: `(h, w, D)`
            or `(E,)`.
    """

    name: str
    layer: str
    shape: tuple


@dataclasses.dataclass
class _Output:
    """Output of an operation in the graph under construction."""

    operation: object
    tensor: object
    merges: bool
    consumers: list


def feature_extractor(network, most=9):
    """Builds a model of pooled features at several depths of a network.

    The places are where branches merge, as at the end of every residual or
    inception block, and where they first part (the stem). In a network without
    branches they are the inputs of its convolutions. Blocks inside a backbone
    that is a single layer of the network are found as well.

    Args:
        network: functional `keras.Model` with the interface of
            `noisy_keras.networks`. Its layers are shared, not copied.
        most: int >= 1, largest number of feature maps in addition to the
            embedding. The last map of each resolution is preferred, then an
            even spread.

    Returns:
        Tuple of a list of L `Depth`s and a `keras.Model` from images to a dict.
        `features` is a list of L float32 tensors `[B, D]`: the means over the
        feature maps, and the embedding. `logits` is `[B, K]`.

    Raises:
        ValueError: If `most` is below 1 or the network is not functional.
    """
    if most < 1:
        raise ConfigurationError(
            f"Expected `most` of at least 1. Received: {most}"
        )
    clone, outputs = _traced(network)
    chosen = [
        (name, outputs[k].operation.name, outputs[k].tensor)
        for name, k in _thinned(_places(outputs), outputs, most)
    ]
    chosen.append(("embedding", "embedding", clone.output["embedding"]))
    depths = [
        Depth(name, layer, tuple(tensor.shape[1:]))
        for name, layer, tensor in chosen
    ]
    pooled = [_pooled(tensor) for _, _, tensor in chosen]
    outputs = {"features": pooled, "logits": clone.output["logits"]}
    return depths, keras.Model(clone.input, outputs)


def _pooled(tensor):
    # In float32, because sums in 16 bits are inaccurate.
    tensor = keras.ops.cast(tensor, "float32")
    if len(tensor.shape) == 4:
        return keras.ops.mean(tensor, axis=(1, 2))
    return tensor


def _traced(network):
    """Rebuilds a network as a graph and collects all feature maps in it.

    Layers are shared with the network, so that nothing is copied.
    """
    outputs = []
    consumers = collections.defaultdict(list)

    def call(operation, *args, **kwargs):
        came = [
            t
            for t in keras.tree.flatten((args, kwargs))
            if isinstance(t, keras.KerasTensor)
        ]
        for tensor in came:
            consumers[id(tensor)].append(operation)
        if isinstance(operation, keras.Sequential):
            [x] = came
            for layer in operation.layers:
                x = call(layer, x)
            return x
        if isinstance(operation, keras.Model):
            return _call_nested(operation, args, kwargs, outputs)
        result = operation(*args, **kwargs)
        for tensor in keras.tree.flatten(result):
            if len(tensor.shape) == 4:
                merges = len(came) > 1 and _is_merge(operation, came, tensor)
                outputs.append(
                    _Output(operation, tensor, merges, consumers[id(tensor)])
                )
        return result

    clone = keras.models.clone_model(
        network, clone_function=lambda layer: layer, call_function=call
    )
    return clone, outputs


def _call_nested(model, args, kwargs, outputs):
    """Calls a model that is used as a layer, and collects its feature maps."""
    try:
        inner, found = _traced(model)
    except ValueError:
        # Not functional, so that its layers cannot be traced.
        result = model(*args, **kwargs)
        outputs += [
            _Output(model, tensor, False, [])
            for tensor in keras.tree.flatten(result)
            if len(tensor.shape) == 4
        ]
        return result
    within = keras.Model(inner.input, [inner.output, [f.tensor for f in found]])
    result, tensors = within(args[0])
    for place, tensor in zip(found, tensors, strict=True):
        outputs.append(dataclasses.replace(place, tensor=tensor))
    return result


def _is_merge(operation, came, tensor):
    # All of one size, which leaves out the weighting of channels in
    # squeeze-and-excitation.
    alike = all(len(t.shape) == 4 for t in came) and (
        len({tuple(t.shape[1:3]) for t in (*came, tensor)}) == 1
    )
    return alike and type(operation).__name__ in _MERGES


def _places(outputs):
    """All candidate places: pairs of a name and a position in `outputs`."""
    merges = [k for k, output in enumerate(outputs) if output.merges]
    if len(merges) < 2:
        found = [
            k
            for k, output in enumerate(outputs[:-1])
            if any(_convolves(c) for c in output.consumers)
            and any(_convolves(o.operation) for o in outputs[: k + 1])
        ]
        found.append(len(outputs) - 1)
        return [(f"layer {n}", k) for n, k in enumerate(found, start=1)]
    stem = next(
        (k for k in range(merges[0]) if len(outputs[k].consumers) > 1), None
    )
    blocks = [(f"block {n}", k) for n, k in enumerate(merges, start=1)]
    return blocks if stem is None else [("stem", stem), *blocks]


def _convolves(operation):
    return len(getattr(getattr(operation, "kernel", None), "shape", ())) == 4


def _thinned(places, outputs, most):
    """At most `most` of the places, in their order."""
    if len(places) <= most:
        return places
    sizes = [tuple(outputs[k].tensor.shape[1:3]) for _, k in places]
    ends = [n for n, size in enumerate(sizes) if size not in sizes[n + 1 :]]
    kept = list(dict.fromkeys([*reversed(ends), 0]))[:most]
    while len(kept) < most:
        # Add the place that is farthest from those kept.
        gaps = [min(abs(n - k) for k in kept) for n in range(len(places))]
        kept.append(int(np.argmax(gaps)))
    return [places[n] for n in sorted(kept)]
