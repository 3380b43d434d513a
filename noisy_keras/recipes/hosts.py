"""Hosts: the methods that other recipes end with, by name or as functions."""

import contextlib
import functools
import random

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.methods.bases.trusted import TrustedSetModel
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.methods.dividemix import DivideMix
from noisy_keras.methods.eg import EG
from noisy_keras.methods.ieg import IEG
from noisy_keras.methods.joint_optim import JointOptim
from noisy_keras.methods.l2r import L2R
from noisy_keras.methods.meta_weight_net import MetaWeightNet
from noisy_keras.methods.mlc import MLC
from noisy_keras.methods.mslc import MSLC
from noisy_keras.methods.sanm import SANM
from noisy_keras.networks import head
from noisy_keras.utils.errors import ConfigurationError


def _of(method):
    def make(network, source, **options):
        return method(network, source.num_samples, **options)

    return make


#: Functions of a network, a source and a method's arguments, by name. A new
#: method is a host with one line here.
HOSTS = {
    "cross_entropy": _of(CrossEntropy),
    "dividemix": _of(DivideMix),
    "eg": _of(EG),
    "ieg": _of(IEG),
    "joint_optim": _of(JointOptim),
    "l2r": _of(L2R),
    "meta_weight_net": _of(MetaWeightNet),
    "mlc": _of(MLC),
    "mslc": _of(MSLC),
    "sanm": SANM,
}


def name_of(host):
    """What tells a host from another.

    Args:
        host: a name of `HOSTS`, or a function as its values are, to an
            uncompiled `NoisyLabelModel`.

    Returns:
        str.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(host, functools.partial):
        host = host.func
    if callable(host):
        return f"{host.__module__}.{getattr(host, '__qualname__', host)}"
    if host not in HOSTS:
        raise ConfigurationError(
            f"Expected `host` to be one of {tuple(HOSTS)}, or a function of a "
            f"network and a source to a model. Received: host={host!r}"
        )
    return host


def build(host, network, source, options, seed, warm=False):
    """An uncompiled host.

    Args:
        host: as of `name_of`.
        network: that the host starts from.
        source: the `Source` to be trained on.
        options: dict of the host's arguments.
        seed: of its other random weights.
        warm: whether all its networks start from that network's weights, each
            with a classifier of its own.

    Returns:
        A `NoisyLabelModel`.

    Raises:
        ValueError: a function that returns something else.
    """
    make = host if callable(host) else HOSTS[host]
    with same_draws("host", seed):
        model = make(network, source, **options)
    if not isinstance(model, NoisyLabelModel):
        raise ConfigurationError(
            "Expected `host` to return a `NoisyLabelModel`. Received: "
            f"{type(model).__name__}"
        )
    if warm:
        for other in model.networks[1:]:
            _warm_up(other, network)
    return model


def needs_trusted(model):
    """Whether a host learns with a trusted set."""
    return isinstance(model, TrustedSetModel)


def learns_labels(model):
    """Whether a host learns from the labels that it is given."""
    return not isinstance(model, EG)


@contextlib.contextmanager
def same_draws(purpose, seed):
    """Initial weights that are drawn inside depend on the arguments alone.

    A recipe that goes on in a later phase has drawn fewer before. Keras takes
    the seeds of initialisers from Python's random numbers.

    Args:
        purpose: a word. With the seed alone, weights would be those of a
            network that was built after seeding everything with it.
        seed: int.
    """
    state = random.getstate()
    random.seed(f"{purpose} {seed}")
    try:
        yield
    finally:
        random.setstate(state)


def _warm_up(other, network):
    """Gives a network all weights of one like it, but for the classifier."""
    if head.classifier_kernel(network) is None:
        raise ConfigurationError(
            f"Expected a network with a linear layer {head.CLASSIFIER!r}, "
            f"which is each network's own. Received: {network.name}"
        )
    own = {id(w) for w in other.get_layer(head.CLASSIFIER).weights}
    for new, old in zip(other.weights, network.weights, strict=True):
        if id(new) not in own:
            new.assign(old)
