"""Hosts: the methods that recipes end with, by name or as functions."""

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

#: Methods by name: functions of a network, a source and their own arguments. A
#: new method becomes a host by one line here.
HOSTS = {
    "cross_entropy": CrossEntropy,
    "dividemix": DivideMix,
    "eg": EG,
    "ieg": IEG,
    "joint_optim": JointOptim,
    "l2r": L2R,
    "meta_weight_net": MetaWeightNet,
    "mlc": MLC,
    "mslc": MSLC,
    "sanm": SANM,
}


def name_of(host):
    """The name of a host, as files store it.

    Args:
        host: str, a name in `HOSTS`; or a class or function of a network, a
            source and arguments of its own to an uncompiled `NoisyLabelModel`.

    Returns:
        str.

    Raises:
        ConfigurationError: it is neither.
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
    """Builds an uncompiled host.

    Args:
        host: as of `name_of`.
        network: `keras.Model`, the network that the host starts from.
        source: the `Source` to train on.
        options: dict of the host's own arguments.
        seed: int, seed of its other random weights.
        warm: bool, whether all its networks start from the weights of that
            network, each with a classifier of its own.

    Returns:
        A `NoisyLabelModel`.

    Raises:
        ConfigurationError: a function that returns something else.
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
    """Whether a host needs a trusted set.

    Args:
        model: `NoisyLabelModel`.

    Returns:
        bool.
    """
    return isinstance(model, TrustedSetModel)


def learns_labels(model):
    """Whether the given labels enter the loss of a host.

    Args:
        model: `NoisyLabelModel`.

    Returns:
        bool.
    """
    return not isinstance(model, EG)


@contextlib.contextmanager
def same_draws(purpose, seed):
    """Makes initial weights drawn within it depend on its arguments alone.

    A recipe that resumes in a later phase has drawn fewer weights before. Keras
    takes the seeds of its initialisers from Python's random numbers.

    Args:
        purpose: str, combined with the seed. With the seed alone, the weights
            would equal those of a network that is built right after all seeds
            have been set to it.
        seed: int, seed of the draws.
    """
    state = random.getstate()
    random.seed(f"{purpose} {seed}")
    try:
        yield
    finally:
        random.setstate(state)


def _warm_up(other, network):
    """Copies all weights between like networks, except the classifier's."""
    if head.classifier_kernel(network) is None:
        raise ConfigurationError(
            f"Expected a network with a linear layer {head.CLASSIFIER!r}, "
            f"which is each network's own. Received: {network.name}"
        )
    own = {id(w) for w in other.get_layer(head.CLASSIFIER).weights}
    for new, old in zip(other.weights, network.weights, strict=True):
        if id(new) not in own:
            new.assign(old)
