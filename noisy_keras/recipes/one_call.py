"""`nk.auto`: a source in, a classifier and a judgement of the labels out."""

import dataclasses
import warnings

from noisy_keras.core import inputs
from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.data.sources.source import Source
from noisy_keras.labels.audit import LabelAudit
from noisy_keras.networks import providers
from noisy_keras.recipes.auto import Auto
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class AutoResult:
    """What `auto` returns.

    Attributes:
        model: the trained `NoisyLabelModel`.
        audit: `LabelAudit` of all samples, those in training first.
        decisions: list of str, what was found and done, and why.
        findings: dict of what the judgement found.
        train: the `Source` that was trained on.
        validation: `Source` of the held-out samples, or None.
    """

    model: NoisyLabelModel
    audit: LabelAudit
    decisions: list
    findings: dict
    train: Source
    validation: Source | None


def auto(
    source,
    network="preact_resnet18",
    epochs=60,
    validation=0.1,
    width=32,
    batch_size=64,
    optimizer=None,
    directory=None,
    seed=0,
    verbose="auto",
    **options,
):
    """Trains a classifier on labels of unknown quality, and judges these.

    In short: `Auto` on a source, with a part of it held out. It costs as much
    as plain training for as many epochs.

    Args:
        source: `Source` of images and labels, such as of
            `nk.data.from_folder`.
        network: a network or its name.
        epochs: int, the budget, as of `Auto`.
        validation: float in `[0, 1)`, the share of samples that are held out,
            by which the network to keep is chosen. Their labels are judged by
            its predictions.
        width: int, number of channels of the first stage of a network given by
            name; None is the published width. Networks of providers, such as
            `keras:EfficientNetV2B0`, have their own.
        batch_size: int, number of samples in a step.
        optimizer: Keras optimizer; default: SGD with momentum, rate 0.02.
        directory: str or path, folder from which a process that was killed
            resumes; None keeps nothing.
        seed: int in `[0, 2^32)`, seed of everything random but the network's
            weights.
        verbose: as in Keras.
        **options: further arguments of `Auto`.

    Returns:
        An `AutoResult`.

    Raises:
        ConfigurationError: data or arguments that do not fit.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.3))
        >>> result = nk.auto(source, "tiny", epochs=4, width=None, verbose=0)
        >>> suspects = result.audit.most_suspect(10)
    """
    if not inputs.is_source(source):
        raise ConfigurationError(
            "Expected a `Source`; `nk.data.from_folder(path)` makes one of a "
            "folder, `nk.data.from_arrays(images, labels)` of arrays. "
            f"Received: {type(source).__name__}"
        )
    arguments.within(0, 1, "[)")("validation", validation)
    train, held = source, None
    if validation:
        train, held = source.hold_out(validation, seed=seed)
    if batch_size > train.num_samples:
        warnings.warn(
            f"Only {train.num_samples} samples are trained on: that is the "
            f"batch size, in place of {batch_size}.",
            stacklevel=2,
        )
    named = isinstance(network, str)
    if named and providers.split_name(network)[0] is not None:
        width = None  # It has its own.
    recipe = Auto(network, train, epochs=epochs, width=width, **options)
    recipe.compile(optimizer)
    model = recipe.fit(
        train,
        batch_size=min(batch_size, train.num_samples),
        validation_data=held,
        directory=directory,
        seed=seed,
        verbose=verbose,
    )
    audit = recipe.label_audit(train, held_out=held)
    return AutoResult(
        model, audit, recipe.decisions, recipe.findings, train, held
    )
