"""DRPL: distribution-robust pseudo-labelling.

1. Relabel all samples by the network's own averaged predictions (Joint-Optim).
2. Detect: a sample whose new label disagrees with its given label has a high
   cross-entropy to it; a Beta mixture separates high from low. This works for
   all distributions of label noise, also for images of no class at all.
3. Learn from the samples that are called clean, with pseudo-labels for others.
4. Detect again with that network, which detects better.
5. Learn once more from the refined division: the final model.

Reference: Ortego, Arazo, Albert, O'Connor and McGuinness, Towards Robust
Learning with Different Label Noise Distributions, ICPR 2020.
"""

import keras
import numpy as np

from noisy_keras.core import inputs
from noisy_keras.labels import detection
from noisy_keras.methods.joint_optim import JointOptim
from noisy_keras.methods.pseudo_labeling import PseudoLabeling
from noisy_keras.optimizers.sgd import MomentumSGD
from noisy_keras.recipes import divisions
from noisy_keras.recipes.phases import in_order
from noisy_keras.recipes.recipe import Recipe
from noisy_keras.recipes.recipe import network_for
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
        network: a network or its name, or a list of one. Phases 1, 2 and 4
            start from its weights, which may be pretrained.
        source: the `Source` to train on.
        preset: str, sets the last three arguments where they are None.
            `"recommended"`: 0.1, True, False. `"official"`, as in the released
            code: 0, False, True; its semi-supervised phases start from random
            weights and random labels, and the networks of the warm-ups are not
            used. (That code detects on augmented images, which is not done
            here.)
        width: int, number of channels of the first stage of a network given by
            name; None is the published width.
        relabel_epochs: int, number of epochs of phase 1; 130 for CIFAR-10, 100
            for CIFAR-100 and ImageNet32/64.
        relabel_from: int, number of epochs before labels are first replaced; 70
            for CIFAR-10, 40 for the others.
        relabel_drops: ints, epochs of phase 1, from 0, at which the learning
            rate is divided by 10; (74, 109) for CIFAR-10, (44, 79) for the
            others.
        warmup_epochs: int, number of epochs of phases 2 and 4, on the labelled
            samples alone.
        ssl_epochs: int, number of epochs of phase 3.
        ssl_drops: ints, epochs of phase 3 with a lower learning rate.
        final_epochs: int, number of epochs of phase 5.
        final_drops: ints, epochs of phase 5 with a lower learning rate.
        threshold_1: float in (0, 1), gamma_1; samples whose label is wrong with
            at most this probability are labelled in phases 2 and 3; 0.05 for
            ImageNet32/64.
        threshold_2: float in (0, 1), gamma_2, the threshold of phases 4 and 5.
        random_share: float in [0, 1), share of the unlabelled samples whose
            pseudo-label is uniform in an epoch.
        mix_alpha: float above 0, parameter of the Beta distribution of mixup
            ratios.
        prior_weight: float >= 0, weight of the term that spreads predictions
            over classes.
        entropy_weight: float >= 0, weight of the entropy of predictions.
        warm_start: bool, whether phases 2 and 4 start from the network of the
            detection before them. The published start from random weights
            forgets memorised labels, but needs many epochs to pay off.
        class_share: float in [0, 1), share of each class that keeps its labels
            at least, those of lowest loss. Noise in few classes could otherwise
            leave one of them without any.
        handover: bool, whether phases 3 and 5 start from the network of the
            warm-up, and from its predictions.
        official_detection: bool, whether labels are detected by the loss of the
            last network, as published; and see `nk.labels.detect`. Otherwise by
            the loss of the mean prediction before each step in all phases, with
            most weight on late epochs, which detects better than one network at
            one time.

    Attributes:
        divisions: dict from `"detection_1"` and `"detection_2"` to the
            `Division` that followed, once fitted.

    Raises:
        ConfigurationError: an argument out of range, or a network that does not
            fit the source.

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
        super().__init__(network_for(network, source, width))
        self.divisions = {}

    def default_optimizer(self):
        return MomentumSGD(0.1, momentum=0.9, weight_decay=1e-4)

    def run(self, training):
        """Trains the five phases: see `Recipe.run`."""
        relabel, warmup_1, ssl, warmup_2, final = self.phases
        # 1. Relabel all.
        judge = training.train_once(
            relabel, self._relabeler(training), keep=_history
        )
        # 2. Detect, by how far the new labels are from the given ones.
        division = self._detect("detection_1", judge, training)
        # 3. Learn from the labels that are left, with pseudo-labels.
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
        """Divides the samples by the losses of a trained network."""

        def make():
            loss = training.measure(judge).loss[:, 0]
            if not self.official_detection:
                mean = mean_loss(judge["history"], training.source.labels)
                # A sample that no step has seen has the network's loss.
                loss = np.where(np.isnan(mean), loss, mean)
            return divisions.detected(loss, self.official_detection)

        found = training.once(name, make)
        threshold = getattr(self, name.replace("detection", "threshold"))
        division = divisions.divide(
            found, threshold, self.class_share, training.source
        )
        title = name.replace("_", " ")
        training.report(f"{title}: {division.summary}")
        self.divisions[name] = division
        return division

    def _judge_again(self, model, source):
        """Detects once more after the last phase, for the audit."""
        loss = model.prediction_history.loss(source.labels)
        seen = ~np.isnan(loss)
        if self.official_detection or seen.sum() < 2:
            return
        clean = model.clean_probability.numpy()
        found = detection.detect(loss[seen])
        clean[seen, 0] = found.clean_probability
        model.clean_probability.assign(clean)

    def _learner(self, warmup, judge, division, training):
        """Warms up on the labelled samples, and returns the next builder."""
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
