"""Feature maps at several depths of any functional network."""

import collections
import dataclasses

import keras
import numpy as np

from noisy_keras.utils.errors import ConfigurationError

# Layers, and operations of `keras.ops`, at which branches meet.
_MERGES = ("Add", "Average", "Concatenate", "Maximum")


@dataclasses.dataclass(frozen=True)
class Depth:
    """A place in a network.

    Attributes:
        name: `"stem"`, `"block 3"`, `"layer 3"` or `"embedding"`.
        layer: of Keras, whose output it is.
        shape: of the output without the batch: `(h, w, D)` or `(E,)`.
    """

    name: str
    layer: str
    shape: tuple


@dataclasses.dataclass
class _Output:
    """What an operation gives, in the graph that is being made."""

    operation: object
    tensor: object
    merges: bool
    consumers: list


def feature_extractor(network, most=9):
    """A model of a network's pooled features from its stem to its end.

    The places are where branches meet, as at the end of every residual or
    inception block, and where they part first (the stem). In a network
    without branches they are the inputs of its convolutions. Blocks within a
    backbone that is one layer of the network are found, too.

    Args:
        network: a functional `keras.Model` that keeps the contract of
            `noisy_keras.networks`. Its layers are shared.
        most: feature maps at most, beside the embedding. The last of each
            resolution are preferred, then an even spread.

    Returns:
        A list of L `Depth`s, and a `keras.Model` from images to a dict of
        `features`, a list of L float32 `[B, D]`: means over each feature map,
        and the embedding; and `logits [B, K]`.

    Raises:
        ValueError: `most` is below 1, or the network is not functional.
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
    # Sums in 16 bits lose digits.
    tensor = keras.ops.cast(tensor, "float32")
    if len(tensor.shape) == 4:
        return keras.ops.mean(tensor, axis=(1, 2))
    return tensor


def _traced(network):
    """The network in a graph of its own, and all feature maps in it.

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
    """Calls a model that is a layer, and keeps the feature maps within."""
    try:
        inner, found = _traced(model)
    except ValueError:
        # Not functional: what is within cannot be told.
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
    # Not where a map is weighted, as in squeeze-and-excitation.
    alike = all(len(t.shape) == 4 for t in came) and (
        len({tuple(t.shape[1:3]) for t in (*came, tensor)}) == 1
    )
    return alike and type(operation).__name__ in _MERGES


def _places(outputs):
    """All places of interest: pairs of a name and a position in `outputs`."""
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
    """At most so many places, in their order."""
    if len(places) <= most:
        return places
    sizes = [tuple(outputs[k].tensor.shape[1:3]) for _, k in places]
    ends = [n for n, size in enumerate(sizes) if size not in sizes[n + 1 :]]
    kept = list(dict.fromkeys([*reversed(ends), 0]))[:most]
    while len(kept) < most:
        # The one farthest from those kept.
        gaps = [min(abs(n - k) for k in kept) for n in range(len(places))]
        kept.append(int(np.argmax(gaps)))
    return [places[n] for n in sorted(kept)]
