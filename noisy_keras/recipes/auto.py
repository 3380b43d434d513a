"""Auto: plain training, a judgement, and what the judgement calls for.

1. Look at the data: how many samples, classes, how even.
2. Plant a few mistakes among the labels, and train plainly for a part of the
   budget. The network's predictions before each step are kept.
3. Judge: estimate the noise from these predictions, and see how many of the
   planted mistakes they find.
4. Give the rest of the budget to the candidate that is recommended for such
   data (`candidates`): plain training that goes on, on corrected labels, with
   another loss, or a method that divides the samples.
5. Keep the better one of the plain part's network and of the candidate's, and
   of the candidate's epochs, by validation labels corrected for their noise.

The recipe is our own; `benchmarks/robustness.py` compares it with plain
training that costs as much.
"""

import dataclasses
import functools

import keras
import numpy as np

from noisy_keras.core import vectors
from noisy_keras.data.sources.feature_source import FeatureSource
from noisy_keras.labels import noise_rate
from noisy_keras.labels import planted
from noisy_keras.labels.noise_rate import RateEstimate
from noisy_keras.methods.cross_entropy import CrossEntropy
from noisy_keras.optimizers import schedules
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.recipes import candidates
from noisy_keras.recipes import keeping
from noisy_keras.recipes.phases import in_order
from noisy_keras.recipes.recipe import Recipe
from noisy_keras.recipes.recipe import network_for
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

PLAIN, CHOICE, REST = "plain", "choice", "rest"
#: The value of `candidate` that lets the judgement decide.
AUTO = "auto"
# The share of the budget that is spent plainly before the judgement, and the
# least number of epochs that leave something to decide.
_PLAIN_SHARE, _LEAST_EPOCHS = 0.3, 10
# The share of the epochs after which the learning rate drops.
_DROP_AT = 0.75
# The tables of the plain part that the rest goes on with.
_TABLES = ("prediction_history", "label_history")
# Kinds of data, as of `candidates.kind`, in words.
_KINDS = {
    "random": "as many as of random labels; none is corrected",
    "few": "that cannot be trusted, as no mistakes could be planted: there are "
    "too few samples, or labels are distributions",
    "incomplete": "that cannot be trusted, as not all samples have been seen",
    "unproven": "that cannot be trusted, as planted mistakes are found no more "
    "often than other labels: labels may be random, or too little was learnt",
    "hard": "the network itself is too often wrong to be sure",
    "clean": "there is little to correct",
    "spread": "they are of any class",
    "concentrated": "they are of similar classes",
}

_RULES = {
    "epochs": arguments.at_least(1, int),
    "drops": arguments.optional(arguments.sequence(arguments.at_least(0, int))),
    "candidate": arguments.one_of(AUTO, *candidates.CANDIDATES),
    "plant": arguments.switch,
}


class Auto(Recipe):
    """Trains plainly, judges the labels, and does what they call for.

    Args:
        network: a network or its name, or a list of one.
        source: the `Source` to train on.
        epochs: int, the budget: as many epochs of plain training as the whole
            may cost. Fewer than 10 are spent plainly.
        drops: ints, epochs of plain training, from 0, at which the learning
            rate is divided by 10; default: after three quarters of them.
        candidate: str, what follows the plain part: one of
            `nk.recipes.CANDIDATES`, or `"auto"`, which leaves it to the
            judgement.
        plant: bool, whether mistakes are planted among the labels of the plain
            part: 2 % of them, at least 10 and at most 200. In fewer than 200
            samples there is no room for them, and training stays plain.
        width: int, number of channels of the first stage of a network given by
            name; None is the published width.

    Attributes:
        decisions: list of str, what was found and done, and why, once fitted.
        candidate: str, what was trained after the plain part; None before.
        findings: dict of what the judgement found, once fitted; empty where
            the budget is too small for one.
        selects: bool, whether a held-out `Source` chooses the network to keep;
            the last epoch is kept otherwise.

    Raises:
        ConfigurationError: an argument out of range, or a network that does not
            fit the source.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> train, validation = source.hold_out(0.1)
        >>> recipe = nk.Auto("tiny", train, epochs=4)
        >>> model = recipe.fit(train, validation_data=validation, verbose=0)
        >>> recipe.decisions[0]
        'data: 1131 samples of 10 classes, 100 to 118 of each, 32 x 32 pixels'
        >>> audit = recipe.label_audit(train)
    """

    default_batch_size = 64
    artefact_names = (PLAIN, CHOICE)

    def __init__(
        self,
        network,
        source,
        epochs=60,
        drops=None,
        candidate=AUTO,
        plant=True,
        width=None,
    ):
        self.settings = arguments.checked(_RULES, locals())
        pixels = self.settings["candidate"] == "sanm"
        if pixels and isinstance(source, FeatureSource):
            raise vectors.refused("SANM", source.image_shape)
        self.epochs, drops = self.settings["epochs"], self.settings["drops"]
        if drops is None:
            drops = (max(1, round(_DROP_AT * self.epochs)),)
        self.settings["drops"] = self._drops = tuple(drops)
        if self._drops and max(self._drops) > self.epochs:
            raise ConfigurationError(
                f"Expected the learning rate to drop within the {self.epochs} "
                f"epochs. Received: drops={self._drops}"
            )
        self._first = self.epochs
        if self.epochs >= _LEAST_EPOCHS:
            self._first = round(_PLAIN_SHARE * self.epochs)
        self.phases = self._phases(self.epochs - self._first)
        super().__init__(network_for(network, source, width))
        self.candidate, self.decisions, self.findings = None, [], {}
        self.selects = True
        self._mistakes = None

    def default_optimizer(self):
        return MomentumSGD(0.02, momentum=0.9, weight_decay=5e-4)

    def compile(self, optimizer=None, **options):
        """As `Recipe.compile`; the learning rate must be constant.

        Args:
            optimizer: Keras optimizer without a schedule, which would begin
                again in the second part.
            **options: as of `NoisyLabelModel.compile`.

        Raises:
            ConfigurationError: an optimizer with a schedule.
        """
        super().compile(optimizer, **options)
        if schedules.constant_rate(self._compiled[0]) is None:
            raise ConfigurationError(
                "Expected a constant learning rate: it drops at the epochs "
                f"`drops`, {self._drops}. Received: a schedule, which would "
                "begin again after the judgement"
            )

    def labels_of(self, phase, source):
        if phase.name == PLAIN and self._mistakes is not None:
            return self._mistakes.source(source)
        return source

    def run(self, training):
        """Trains both parts: see `Recipe.run`."""
        self.candidate, self.decisions, self.findings = None, [], {}
        self._mistakes = None
        self.phases = self._phases(self.epochs - self._first)
        source, plain = training.source, self.phases[0]
        decide = functools.partial(self._decide, training)
        decide(_looks(source))
        if len(self.phases) == 1:
            self.candidate = "plain"
            decide(
                f"budget: epochs of plain training: {self.epochs}; fewer than "
                f"{_LEAST_EPOCHS} leave nothing to decide"
            )
            return training.train(plain, lambda: _plain(training))
        if self.settings["plant"]:
            self._mistakes = planted.plant(source, training.seed)
        given = self.labels_of(plain, source)
        decide(
            f"budget: as much as {self.epochs} epochs of plain training; "
            f"{plain.epochs} of them come first"
        )
        found = training.train_once(
            plain,
            lambda: _plain(training),
            given,
            keep=lambda model: self._judge(model, given, source),
        )
        rest = self._choose(found, training, decide)
        transition = None
        if self.findings["kind"] == "concentrated":
            # Noise of any class ranks networks as no correction does, and
            # other kinds have confusions that are the network's own.
            transition = found.get("transition")
        keep = None
        if self.selects:
            folder = training.folder("checkpoints", REST)
            keep = keeping.keeper(training, found, transition, folder)
        if keep is None:
            line = "kept: the last epoch, as no held-out samples choose"
            if training.options["validation_data"] is None:
                line += "; labels are judged by the history of predictions"
            decide(line)
        model = self._train_rest(training, found, rest, keep)
        if keep is not None:
            kept, line = keeping.better(training, model, found, keep, plain.end)
            self.findings["kept_epoch"] = kept
            decide(f"kept: epoch {kept} of {self.phases[-1].end} by {line}")
        return model

    def _phases(self, rest):
        """Both phases; in a rest of so many epochs rates drop in proportion."""
        first, planned = self._first, self.epochs - self._first
        early = [d for d in self._drops if d < first or not rest]
        phases = [(PLAIN, first, early)]
        if rest:
            late = [d for d in self._drops if d >= first]
            # A rate that has dropped stays low.
            drops = [0 for _ in early]
            drops += [round((d - first) * rest / planned) for d in late]
            phases.append((REST, rest, drops))
        return in_order(*phases)

    def _decide(self, training, line):
        self.decisions.append(line)
        training.report(line)

    def _judge(self, model, given, source):
        """What is kept of the plain part: its tables and its findings."""
        history = model.prediction_history
        kept, mistakes = {"complete": history.seen().all()}, self._mistakes
        if mistakes is not None and len(mistakes.rows):
            audit = model.label_audit(given)
            kept["planted"] = len(mistakes.rows)
            kept["planted_proven"] = mistakes.prove(audit.clean_probability)
            kept["planted_found"] = mistakes.found(audit.clean_probability)
            kept["planted_restored"] = mistakes.restored(
                audit.suggested_label, source.labels
            )
            self._take_out(model, mistakes)
        found = noise_rate.estimate_rate(
            history, source.labels, model.num_classes
        )
        kept |= {f"rate_{name}": value for name, value in vars(found).items()}
        estimate = noise_rate.estimate_from_history(
            history, source.labels, model.num_classes
        )
        if estimate is not None:
            kept["transition"] = estimate.transition
        kept["progress"] = history.progress
        # Nothing where a killed process had trained all epochs.
        kept["seconds"] = sum(getattr(model, "epoch_seconds", {}).values())
        for name in _TABLES:
            for number, weight in enumerate(getattr(model, name).weights):
                kept[f"{name}_{number}"] = keras.ops.convert_to_numpy(weight)
        return kept

    @staticmethod
    def _take_out(model, mistakes):
        """Takes what planted labels have left out of the tables."""
        rows, labels = mistakes.rows, mistakes.labels
        model.prediction_history.forget(rows, labels[rows])
        counts = model.label_history.numpy()
        counts[rows] = 0.0
        model.label_history.assign(counts)
        # They were noted among the labels that look random, too.
        planted_share = len(rows) / len(labels)
        notes = model.prediction_history.progress.copy()
        notes[:, 1] -= planted_share
        notes[:, 1] /= 1.0 - planted_share
        model.prediction_history.progress = np.maximum(notes, 0.0)

    def _choose(self, found, training, decide):
        """Decides what follows; returns the number of its epochs."""
        rate = _rate_of(found)
        classes = self.networks[0].output["logits"].shape[-1]
        left = self.epochs - self._first
        kind = self._kind(found, rate, classes)
        self.findings = {
            "kind": kind,
            **{f"noise_{k}": float(v) for k, v in vars(rate).items()},
            **{
                name: float(found[name])
                for name in ("planted", "planted_found", "planted_restored")
                if name in found
            },
        }
        decide(
            f"judged: {rate.rate:.0%} of the labels look wrong ({rate.low:.0%} "
            f"to {rate.high:.0%}): {_KINDS[kind]}"
        )
        if "planted" in found:
            decide(
                f"of {int(found['planted'])} mistakes that were planted, "
                f"{float(found['planted_found']):.0%} were found, and for "
                f"{float(found['planted_restored']):.0%} the label that they "
                "had was suggested"
            )
        # Kept, as later versions may have other rules.
        chosen = training.once(CHOICE, lambda: self._chosen(kind, left))
        self.candidate, why = str(chosen["candidate"]), str(chosen["why"])
        epochs = int(chosen["epochs"])
        decide(
            f"the rest: {epochs} epochs of "
            f"{candidates.CANDIDATES[self.candidate]}: {why}"
        )
        # Every candidate costs as much as the plain epochs that are left.
        seconds = float(found["seconds"])
        if seconds > 0.0:
            minutes = np.ceil(seconds * left / 60)
            decide(
                f"time: a plain epoch took {seconds:.1f} s on this machine, so "
                f"that the rest takes about {minutes:.0f} min"
            )
        return epochs

    def _chosen(self, kind, left):
        candidate, why = self.settings["candidate"], "as asked for"
        if candidate == AUTO:
            candidate, why = candidates.recommend(kind, left)
        epochs = candidates.epochs_for(candidate, left)
        if not epochs:
            why = f"too few epochs are left for {candidate}"
            candidate, epochs = "plain", left
        return {"candidate": candidate, "why": why, "epochs": epochs}

    def _kind(self, found, rate, classes):
        """What kind of data it is; too few samples prove nothing."""
        if not found["complete"]:
            return "incomplete"
        if not self.settings["plant"]:
            return candidates.kind(rate, classes)
        proven = bool(found["planted_proven"]) if "planted" in found else False
        kind = candidates.kind(rate, classes, proven)
        if kind == "unproven" and "planted" not in found:
            return "few"
        return kind

    def _train_rest(self, training, found, epochs, keep):
        self.phases = self._phases(epochs)

        def build():
            network = training.fresh_network(found)
            model = candidates.build(self.candidate, network, training.source)
            for name in _TABLES:
                for number, weight in enumerate(getattr(model, name).weights):
                    weight.assign(found[f"{name}_{number}"])
            model.prediction_history.progress = found["progress"]
            candidates.begin(model, training.source)
            return model

        callbacks = training.callbacks
        if keep is not None:
            training.callbacks = lambda phase: [*callbacks(phase), keep]
        try:
            return training.train(
                self.phases[1],
                build,
                own_epochs=self.candidate in candidates.DIVIDED_PASSES,
            )
        finally:
            training.callbacks = callbacks


def _plain(training):
    network = training.fresh_network()
    return CrossEntropy(network, training.source.num_samples)


def _rate_of(found):
    """The `RateEstimate` in the arrays of the plain part."""
    names = [field.name for field in dataclasses.fields(RateEstimate)]
    return RateEstimate(**{n: float(found[f"rate_{n}"]) for n in names})


def _looks(source):
    """The data in a line."""
    sizes = np.bincount(source.labels, minlength=source.num_classes)
    if isinstance(source, FeatureSource):
        size = f"{source.image_shape[0]} columns"
    else:
        height, width = source.image_shape[:2]
        size = f"{height} x {width} pixels"
    return (
        f"data: {source.num_samples} samples of {source.num_classes} classes, "
        f"{sizes.min()} to {sizes.max()} of each, {size}"
    )
