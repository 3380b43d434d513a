"""What follows the plain part of `Auto`: candidates, and the rules of choice.

Every candidate goes on with the network and with the predictions of the plain
part. The rules are in `auto_rules.json`, which `benchmarks/auto_rules.py` makes
of the table of `benchmarks/robustness.py`: for each kind of data the candidate
that gained most over plain training, of those that lost half a point at most.
"""

import functools
import importlib.resources
import json

from noisy_keras.methods.bases import adaptive_plan
from noisy_keras.methods.bases import correction
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.methods.dividemix import DivideMix
from noisy_keras.methods.gce import GCE
from noisy_keras.methods.sanm import SANM

#: Names of the candidates, and what they are in words.
CANDIDATES = {
    "plain": "plain training",
    "corrected": "plain training on corrected labels",
    "gce": "the generalised cross-entropy (GCE)",
    "dividemix": "DivideMix",
    "sanm": "DivideMix with SANM",
}
#: Passes per picture that an epoch of plain training takes: the backward pass
#: counts as two.
PLAIN_PASSES = 3
#: Those of an epoch of a method that divides the samples, where two thirds of
#: the labels are taken for right; as counted by `benchmarks/robustness.py`.
DIVIDED_PASSES = {"dividemix": 26, "sanm": 44}
# Kinds of data whose judgement nothing is based on.
_UNUSABLE = ("random", "unproven", "few", "incomplete")
# Fewer epochs of such a method are not worth the change.
_LEAST_EPOCHS = 8
#: Below this share of wrong labels data count as clean. After six epochs on
#: MNIST without noise 10 % seem wrong, and correcting them cost 1.1 points;
#: with 20 % noise 16 % and more do.
CLEAN = 0.13


def epochs_for(candidate, plain_epochs):
    """The epochs of a candidate that cost as much as those of plain training.

    Args:
        candidate: str, one of `CANDIDATES`.
        plain_epochs: int, number of epochs of plain training.

    Returns:
        int; 0 where these are too few.
    """
    passes = DIVIDED_PASSES.get(candidate)
    if passes is None:
        return plain_epochs
    epochs = PLAIN_PASSES * plain_epochs // passes
    return epochs if epochs >= _LEAST_EPOCHS else 0


def build(candidate, network, source):
    """Builds the model of a candidate.

    Args:
        candidate: str, one of `CANDIDATES`.
        network: `keras.Model`, with the weights of the plain part.
        source: the `Source` to train on.

    Returns:
        An uncompiled `NoisyLabelModel` with a `prediction_history`.
    """
    count = source.num_samples
    if candidate in DIVIDED_PASSES:
        method = {"dividemix": DivideMix, "sanm": SANM}[candidate]
        return method(network, count, warmup_epochs="auto")
    if candidate == "corrected":
        return CrossEntropy(network, count, correct_from=0)
    return {"plain": CrossEntropy, "gce": GCE}[candidate](network, count)


def begin(model, source):
    """Prepares a candidate that has got the history of the plain part.

    Args:
        model: `NoisyLabelModel`, as of `build`.
        source: the `Source` to train on.
    """
    if isinstance(model, DivideMix):
        adaptive_plan.begin_divided(model, source)


def kind(found, num_classes, proven=None):
    """What kind of data a judgement finds, as the rules tell them apart.

    Args:
        found: `RateEstimate`.
        num_classes: int, number of classes K.
        proven: bool, whether the judgement finds planted mistakes; None where
            there are none.

    Returns:
        str: `"unproven"`, the judgement is no better than chance; `"random"`,
        labels that have nothing to do with the images;
        `"hard"`, the network is mostly wrong, or it is not certain which
        labels are; `"clean"`; `"spread"` or `"concentrated"`, wrong labels of
        any class, or of similar ones.
    """
    if proven is False:
        return "unproven"
    if correction.is_random(found.certain, num_classes):
        return "random"
    if found.certain < CLEAN and found.rate < CLEAN:
        return "clean"
    unsure = found.rate - found.foreign - found.certain > found.certain
    if found.accuracy < correction.LEAST_ACCURACY or unsure:
        return "hard"
    if found.random >= found.certain / 2:
        return "spread"
    return "concentrated"


def recommend(kind_of_data, plain_epochs):
    """The candidate that the rules recommend.

    Args:
        kind_of_data: str, as of `kind`.
        plain_epochs: int, number of epochs of plain training that what is left
            of the budget pays for.

    Returns:
        str, one of `CANDIDATES`, and str, why.
    """
    for rule in rules():
        if rule["kind"] != kind_of_data:
            continue
        if plain_epochs < rule["least_epochs"]:
            continue
        if epochs_for(rule["candidate"], plain_epochs):
            return rule["candidate"], rule["why"]
    if kind_of_data in _UNUSABLE:
        return "plain", "nothing else can be relied on"
    return "plain", "no other candidate was better on such data"


@functools.cache
def rules():
    """The rules in their order: list of dicts."""
    path = importlib.resources.files(__package__) / "auto_rules.json"
    return json.loads(path.read_text(encoding="utf-8"))["rules"]
