"""DRPL: distribution-robust pseudo-labelling.

1. Relabel all samples by the network's own averaged predictions (Joint-Optim).
2. Detect: a sample whose relabelling disagrees with its given label has a high
   cross-entropy to it; a Beta mixture tells high from low. This holds whatever
   classes are mistaken for which, and for pictures of no class at all.
3. Learn from the samples called clean, with pseudo-labels for the others.
4. Detect again with that network, which is the better judge.
5. Learn once more from the refined division: the final model.

Reference: Ortego, Arazo, Albert, O'Connor and McGuinness, Towards Robust
Learning with Different Label Noise Distributions, ICPR 2020.
"""

import keras
import numpy as np

from noisy_keras import networks as networks_module
from noisy_keras.core import inputs
from noisy_keras.labels import detection
from noisy_keras.methods.joint_optim import JointOptim
from noisy_keras.methods.pseudo_labeling import PseudoLabeling
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.recipes import divisions
from noisy_keras.recipes.phases import in_order
from noisy_keras.recipes.recipe import Recipe
from noisy_keras.tables.prediction_history import mean_loss
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

_EPOCHS = arguments.at_least(1, int)
_DROPS = arguments.sequence(arguments.at_least(0, int))
_THRESHOLD = arguments.within(0, 1, "()")

_RULES = {
    "relabel_epochs": _EPOCHS,
    "relabel_from": _EPOCHS,
    "relabel_drops": _DROPS,
    "warmup_epochs": _EPOCHS,
    "ssl_epochs": _EPOCHS,
    "ssl_drops": _DROPS,
    "final_epochs": _EPOCHS,
    "final_drops": _DROPS,
    "threshold_1": _THRESHOLD,
    "threshold_2": _THRESHOLD,
    "random_share": arguments.within(0, 1, "[)"),
    "mix_alpha": arguments.within(0, float("inf"), "()"),
    "prior_weight": arguments.at_least(0),
    "entropy_weight": arguments.at_least(0),
    "class_share": arguments.within(0, 1, "[)"),
    "warm_start": arguments.switch,
    "handover": arguments.switch,
    "official_detection": arguments.switch,
}

_PRESETS = {
    "recommended": {
        "class_share": 0.1,
        "handover": True,
        "official_detection": False,
    },
    "official": {
        "class_share": 0.0,
        "handover": False,
        "official_detection": True,
    },
}
PRESETS = tuple(_PRESETS)


class DRPL(Recipe):
    """Distribution-robust pseudo-labelling.

    Args:
        network: a network, or the name of one. Phases 1, 2 and 4 start from
            its weights, which may be pretrained.
        source: the `Source` to be trained on.
        preset: what the last three arguments are where they are None.
            `"recommended"`: 0.1, True, False. `"official"`, as the released
            code runs: 0, False, True; its semi-supervised phases start from
            scratch and with random labels, and what was warmed up before
            them is not used. (It detects on augmented pictures, we do not.)
        width: of a network given by name.
        relabel_epochs: of phase 1; 130 for CIFAR-10, 100 for CIFAR-100 and
            ImageNet32/64.
        relabel_from: epochs before labels are first replaced; 70 and 40.
        relabel_drops: epochs of phase 1 at which the learning rate is divided
            by 10, from 0; (74, 109) and (44, 79).
        warmup_epochs: of phases 2 and 4, on the labelled samples alone.
        ssl_epochs: of phase 3.
        ssl_drops: of phase 3.
        final_epochs: of phase 5.
        final_drops: of phase 5.
        threshold_1: gamma_1; samples whose label is wrong with at most this
            probability are labelled in phases 2 and 3; 0.05 for ImageNet32/64.
        threshold_2: gamma_2, likewise in phases 4 and 5.
        random_share: see `PseudoLabeling`.
        mix_alpha: see `PseudoLabeling`.
        prior_weight: see `JointOptim`.
        entropy_weight: see `JointOptim`.
        warm_start: whether phases 2 and 4 start from the network that judged
            the labels before them. The published start from scratch, which
            forgets wrong labels that were learnt, is worth its many epochs
            only where there are many.
        class_share: of each class that keeps its labels at least, those of
            lowest loss, in [0, 1). Noise that strikes few classes may
            otherwise leave one of them without any.
        handover: whether phases 3 and 5 start from the network that was
            warmed up, and from its predictions.
        official_detection: whether a label is judged by the loss of the last
            network, as published; and see
            `noisy_keras.labels.detection.detect`. Else by the mean of what
            was predicted for its sample before each step on it, in all
            phases, late epochs counting most: one network at one time is the
            worse judge.

    Attributes:
        divisions: dict from `"detection_1"` and `"detection_2"` to what came
            of them, a `Division`, once fitted.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> short = {"relabel_drops": (), "ssl_drops": (), "final_drops": ()}
        >>> drpl = nk.DRPL(
        ...     "tiny",
        ...     source,
        ...     relabel_epochs=4,
        ...     relabel_from=2,
        ...     warmup_epochs=1,
        ...     ssl_epochs=1,
        ...     final_epochs=1,
        ...     **short,
        ... )
        >>> model = drpl.fit(source, verbose=0)
        >>> type(model).__name__
        'PseudoLabeling'
    """

    artefact_names = (
        "relabel",
        "detection_1",
        "warmup_1",
        "ssl",
        "detection_2",
        "warmup_2",
    )

    def __init__(
        self,
        network,
        source,
        preset="recommended",
        width=None,
        relabel_epochs=130,
        relabel_from=70,
        relabel_drops=(74, 109),
        warmup_epochs=10,
        ssl_epochs=175,
        ssl_drops=(99, 149),
        final_epochs=300,
        final_drops=(149, 224),
        threshold_1=0.1,
        threshold_2=0.5,
        random_share=0.2,
        mix_alpha=1.0,
        prior_weight=0.8,
        entropy_weight=0.4,
        warm_start=False,
        class_share=None,
        handover=None,
        official_detection=None,
    ):
        given = dict(locals())
        arguments.one_of(*PRESETS)("preset", preset)
        for key, value in _PRESETS[preset].items():
            given[key] = value if given[key] is None else given[key]
        self.settings = arguments.checked(_RULES, given)
        for key, value in self.settings.items():
            setattr(self, key, value)
        if 1 < self.relabel_epochs <= self.relabel_from:
            raise ConfigurationError(
                "Expected `relabel_from` below `relabel_epochs`, as labels "
                "would never be replaced otherwise. Received: relabel_from="
                f"{self.relabel_from}, relabel_epochs={self.relabel_epochs}"
            )
        self.phases = in_order(
            ("relabel", self.relabel_epochs, self.relabel_drops),
            ("warmup_1", self.warmup_epochs, ()),
            ("ssl", self.ssl_epochs, self.ssl_drops),
            ("warmup_2", self.warmup_epochs, ()),
            ("final", self.final_epochs, self.final_drops),
        )
        if isinstance(network, str):
            network = networks_module.build(network, source, width=width)
        super().__init__(network)
        self.divisions = {}

    def default_optimizer(self):
        return MomentumSGD(0.1, momentum=0.9, weight_decay=1e-4)

    def run(self, training):
        """The five phases."""
        relabel, warmup_1, ssl, warmup_2, final = self.phases
        # 1. Relabel all.
        judge = training.train_once(
            relabel, self._relabeler(training), keep=_history
        )
        # 2. Detect, by how far the new labels are from the given ones.
        division = self._detect("detection_1", judge, training)
        # 3. Learn from what is left, and with guesses for the rest.
        learner = self._learner(warmup_1, judge, division, training)
        judge = training.train_once(ssl, learner, keep=_history)
        # 4. Detect again.
        division = self._detect("detection_2", judge, training)
        # 5. Learn once more.
        learner = self._learner(warmup_2, judge, division, training)
        model = training.train(final, learner)
        self._judge_again(model, training.source)
        return model

    def _relabeler(self, training):
        def build():
            return JointOptim(
                training.fresh_network(),
                training.source.num_samples,
                relabel_from=self.relabel_from,
                prior_weight=self.prior_weight,
                entropy_weight=self.entropy_weight,
                official_detection=self.official_detection,
            )

        return build

    def _detect(self, name, judge, training):
        """Divides the samples by what a trained network says of them."""

        def make():
            loss = training.measure(judge).loss[:, 0]
            if not self.official_detection:
                mean = mean_loss(judge["history"], training.source.labels)
                # What no step has shown yet is judged by the network.
                loss = np.where(np.isnan(mean), loss, mean)
            return divisions.detected(loss, self.official_detection)

        found = training.once(name, make)
        threshold = getattr(self, name.replace("detection", "threshold"))
        division = divisions.divide(
            found, threshold, self.class_share, training.source
        )
        title = name.replace("_", " ")
        training.report(f"{title}: {division.told}")
        self.divisions[name] = division
        return division

    def _judge_again(self, model, source):
        """What the audit says, after the last phase."""
        loss = model.prediction_history.loss(source.labels)
        seen = ~np.isnan(loss)
        if self.official_detection or seen.sum() < 2:
            return
        clean = model.clean_probability.numpy()
        found = detection.detect(loss[seen])
        clean[seen, 0] = 1.0 - found.noisy_probability
        model.clean_probability.assign(clean)

    def _learner(self, warmup, judge, division, training):
        """Warms up on the labelled samples; then builds the learner of all."""
        labeled, source = division.labeled, training.source
        start = judge if self.warm_start else None
        part = source.subset(np.flatnonzero(labeled))
        warmed = training.train_once(
            warmup,
            lambda: self._pseudo_labeling(training.fresh_network(start), part),
            part,
        )

        def build():
            network, guesses = training.fresh_network(), None
            if self.handover:
                network = training.fresh_network(warmed)
            model = self._pseudo_labeling(network, source)
            if self.handover:
                guesses = keras.Model.predict(
                    model, inputs.evaluation_batches(model, source), verbose=0
                )
            model.divide(
                source,
                labeled,
                guesses,
                division.clean_probability,
                history=judge["history"],
                seed=training.seed,
            )
            return model

        return build

    def _pseudo_labeling(self, network, source):
        return PseudoLabeling(
            network,
            source.num_samples,
            random_share=self.random_share,
            mix_alpha=self.mix_alpha,
            prior_weight=self.prior_weight,
            entropy_weight=self.entropy_weight,
        )


def _history(model):
    return {"history": model.prediction_history.numpy()}
