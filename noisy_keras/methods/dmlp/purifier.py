"""DMLP: purifies labels with frozen features and a few trusted labels.

1. On fixed features, the linear classifier of least squared error has a closed
   form for any labels. Labels can therefore be optimised by gradient descent on
   the loss of that classifier on trusted samples (intrinsic correction).
2. This gradient depends on the labels through `F^T Y` alone, so it cannot
   correct each of them individually. An auxiliary classifier is trained on the
   changing labels, and every T epochs each label is moved towards its
   prediction (extrinsic correction).
3. Held-out trusted samples determine when to stop, and whether to export the
   label table, the predictions of one of the classifiers, or the given labels.
   This step is our addition.

Reference: Tu et al., Learning from Noisy Labels with Decoupled Meta Label
Purifier, CVPR 2023, Algorithm 1. "The released code" is `DMLP.py` of
https://github.com/yuanpengtu/DMLP.
"""

import math

import keras
import tensorflow as tf

from noisy_keras.methods.dmlp import choice
from noisy_keras.methods.dmlp.data import Data
from noisy_keras.methods.dmlp.run import Run
from noisy_keras.ops import ridge as ridge_ops
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

_POSITIVE = arguments.within(0, math.inf, "()")
_COUNT = arguments.at_least(1, int)
_PRIORS = ("uniform", "validation", "estimated")


def _prior(name, value):
    if isinstance(value, str):
        return arguments.one_of(*_PRIORS)(name, value)
    shares = arguments.sequence(arguments.at_least(0))(name, value)
    if not math.isclose(sum(shares), 1.0, abs_tol=1e-4):
        raise ConfigurationError(
            f"Expected `{name}` to be one of {_PRIORS}, or shares of classes "
            f"that sum to 1. Received: {name}={value!r}"
        )
    return shares


_RULES = {
    "epochs": _COUNT,
    "batch_size": _COUNT,
    "form": arguments.one_of(*ridge_ops.FORMS),
    "ridge": arguments.at_least(0),
    "label_optimizer": arguments.one_of(
        "adam", "whole_table_adam", "gradient_descent"
    ),
    "label_learning_rate": arguments.at_least(0),
    "label_weight_decay": arguments.at_least(0),
    "classifier_batch_size": _COUNT,
    "classifier_learning_rate": arguments.at_least(0),
    "classifier_drop": arguments.at_least(0, int),
    "classifier_weight_decay": arguments.at_least(0),
    "entropy_weight": arguments.within(-math.inf, math.inf, "()"),
    "balance_weight": arguments.at_least(0),
    "prior": _prior,
    "repeated_softmax": arguments.switch,
    "substitute_every": arguments.at_least(0, int),
    "substitution_rate": arguments.within(0, 1, "(]"),
    "twin_views": arguments.switch,
    "held_out": arguments.within(0, 1, "[)"),
    "patience": arguments.at_least(0, int),
    "export": arguments.one_of("best", *choice.CANDIDATES[1:]),
    "seed": arguments.at_least(0, int),
    "jit_compile": arguments.one_of("auto", True, False),
}

_PRESETS = {
    "recommended": {
        "ridge": 1e-3,
        "label_optimizer": "adam",
        "label_weight_decay": 0.0,
        "balance_weight": 1.0,
        "repeated_softmax": False,
        "substitute_every": 20,
        "twin_views": False,
        "held_out": 0.2,
        "patience": 40,
        "export": "best",
    },
    # The released code differs from the paper. It substitutes labels only if
    # `epoch % 20 == 0 and epoch == 99`, which is never true. It solves without
    # a ridge and reads both views from one file. At each batch it runs Adam
    # with weight decay on all labels, which shrinks those of other batches. It
    # applies softmax two or three times.
    "official": {
        "ridge": 0.0,
        "label_optimizer": "whole_table_adam",
        "label_weight_decay": 3e-4,
        "balance_weight": 2200.0,
        "repeated_softmax": True,
        "substitute_every": 0,
        "twin_views": True,
        "held_out": 0.0,
        "patience": 0,
        "export": "labels",
    },
}
PRESETS = tuple(_PRESETS)


class LabelPurifier:
    """Purifies labels with frozen features and a small trusted set.

    Args:
        preset: str, selects the defaults of arguments that are None: below,
            the value of `"recommended"` precedes that of `"official"`. The
            latter runs as the released CIFAR-10 script, errors included, to
            reproduce its numbers. Its labels hardly change, and the accuracy
            that it reports is the highest of both auxiliary classifiers on
            test samples (`"test_classifier"` of the history).
        epochs: int >= 1, maximum number of epochs, each of which visits every
            batch once.
        batch_size: int >= 1, maximum number of samples b in each of the fixed
            batches.
        form: `"code"` or `"paper"`, form of the loss on trusted samples, see
            `noisy_keras.ops.ridge.response_loss`.
        ridge: float >= 0, relative ridge, see `noisy_keras.ops.ridge.solve`;
            default: 1e-3 or 0. A positive ridge is raised, with a warning,
            where batches are too small or too ill-conditioned for it.
        label_optimizer: `"adam"` on the labels of the visited batch (default),
            `"whole_table_adam"` on all labels at each batch (default of
            `"official"`), or `"gradient_descent"` as in the paper.
        label_learning_rate: float >= 0, learning rate of labels eta_I; 0
            disables the intrinsic correction. Gradient descent with the form
            `"code"` diverges from `1 / lambda_max(M M^T)` on, where
            `M = F_v A^-1 F^T`.
        label_weight_decay: float >= 0, weight decay of labels; default: 0 or
            3e-4.
        classifier_batch_size: int >= 1, approximate number of samples in a step
            of the auxiliary classifier.
        classifier_learning_rate: float >= 0, learning rate of the auxiliary
            classifier's Adam.
        classifier_drop: int >= 0, number of epochs after which that rate is
            divided by 10.
        classifier_weight_decay: float >= 0, coupled weight decay of the
            auxiliary classifier.
        entropy_weight: float, weight of the entropy of the auxiliary
            classifier's predictions in its loss. A positive weight minimises
            the entropy, as in the paper (1); a negative one maximises it, as
            in the released code.
        balance_weight: float >= 0, weight of the penalty on predictions whose
            mean differs from the prior; default: 1 or 2,200. In the released
            code the penalty acts on predictions after three softmaxes, which
            makes it small.
        prior: class frequencies: `"uniform"`; `"validation"`, those of the
            trusted samples; `"estimated"` from the noise; or K floats that sum
            to 1.
        repeated_softmax: bool, whether softmax is applied to predictions that
            are probabilities already, as in the released code; default: False
            or True.
        substitute_every: int >= 0, number of epochs T between extrinsic
            corrections, 0 for none; default: 20 or 0.
        substitution_rate: float in (0, 1], step eta_E of the extrinsic
            correction.
        twin_views: bool, whether a single view of features is used as two,
            whose auxiliary classifiers differ in their initial weights;
            default: False or True.
        held_out: float in [0, 1), share of the trusted samples that is held out
            to choose the result; default: 0.2 or 0.
        patience: int >= 0, number of epochs without improvement on held-out
            samples (in accuracy, then in squared error) after which to stop, 0
            for never; default: 40 or 0.
        export: which labels to return: `"best"`, those of highest held-out
            accuracy; or `"labels"`, `"response"` or `"classifier"`, see
            `noisy_keras.methods.dmlp.choice.CANDIDATES`, at their best epoch,
            or at the last one if no sample is held out. Default: `"best"` or
            `"labels"`.
        seed: int >= 0, seed of batches, held-out samples and initial weights.
        jit_compile: bool or `"auto"`, whether XLA compiles the steps; `"auto"`
            does so on a GPU or TPU.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.5))
        >>> source, trusted = source.split(trusted=20)
        >>> features, trusted_features = (
        ...     s.resized(8).fetch(range(len(s))).numpy()[..., 0]
        ...     for s in (source, trusted)
        ... )
        >>> features = features.reshape(len(source), -1)
        >>> trusted_features = trusted_features.reshape(len(trusted), -1)
        >>> purifier = nk.LabelPurifier(epochs=3)
        >>> result = purifier.fit(
        ...     source, features, trusted, trusted_features, verbose=0
        ... )
        >>> purified = source.relabel(result.labels)
        >>> before, after = (
        ...     np.mean(s.labels == s.true_labels) for s in (source, purified)
        ... )
        >>> bool(before < 0.6 < 0.8 < after)
        True
    """

    def __init__(
        self,
        preset="recommended",
        epochs=100,
        batch_size=7000,
        form="code",
        ridge=None,
        label_optimizer=None,
        label_learning_rate=0.01,
        label_weight_decay=None,
        classifier_batch_size=500,
        classifier_learning_rate=0.006,
        classifier_drop=4,
        classifier_weight_decay=3e-4,
        entropy_weight=-0.4,
        balance_weight=None,
        prior="uniform",
        repeated_softmax=None,
        substitute_every=None,
        substitution_rate=0.5,
        twin_views=None,
        held_out=None,
        patience=None,
        export=None,
        seed=0,
        jit_compile="auto",
    ):
        given = dict(locals())
        arguments.one_of(*PRESETS)("preset", preset)
        for key, value in _PRESETS[preset].items():
            given[key] = value if given[key] is None else given[key]
        self.settings = arguments.checked(_RULES, given)
        for key, value in self.settings.items():
            setattr(self, key, value)
        if self.export == "best" and not self.held_out:
            raise ConfigurationError(
                'Expected `held_out` above 0 where export="best": held-out '
                "samples tell what is best. Received: held_out=0.0"
            )

    def fit(
        self,
        source,
        features,
        trusted,
        trusted_features,
        test=None,
        test_features=None,
        directory=None,
        verbose="auto",
        on_epoch_end=None,
    ):
        """Purifies the labels of a source.

        Memory, in float32 and for each view: one copy of the features, `D^2`
        numbers for each batch, three tables `[N, K]`, and one more copy of the
        label table for the best state. Memory-mapped features are not copied,
        but read at each visit.

        Args:
            source: `Source` of N samples. Their given labels, or soft labels if
                it has some, are the initial label table.
            features: float `[N, D]`, or a list of one or two such views, in
                the order of the source.
            trusted: `Source` of V samples with right labels, or their labels,
                int `[V]`; at least one sample of each class.
            trusted_features: float `[V, D]`, or a list of as many views as
                `features` has.
            test: `Source` of T test samples, or their labels, int `[T]`, whose
                accuracy is reported in each epoch; or None. They influence
                neither training nor the choice of the result.
            test_features: float `[T, D]`, or a list of views; None without
                `test`.
            directory: str or path, folder of the state, from which an
                interrupted run resumes with the same results. None keeps
                nothing.
            verbose: 0 for silence, 1 or `"auto"` for a progress bar.
            on_epoch_end: function of the epoch (int, from 0) and the measured
                values (dict of floats), or None.

        Returns:
            `PurifiedLabels`. Samples of the source that are also trusted take
            no part in the purification, and get their trusted label.

        Raises:
            ValueError: If the data do not fit together, or the directory has
                the state of another purification.
            FloatingPointError: If a loss becomes NaN or infinite.
        """
        data = Data(
            source,
            features,
            trusted,
            trusted_features,
            self.held_out,
            self.seed,
        )
        run = Run(self, data, data.tracked(test, test_features))
        run.open(directory)
        bar = keras.utils.Progbar(
            self.epochs,
            verbose=1 if verbose == "auto" else verbose,
            stateful_metrics=run.names,
        )
        for epoch in range(run.epoch, self.epochs):
            if run.done:
                break
            rates = tf.constant(self._rates(epoch))
            visit_losses = []
            # Lines 3 to 13 of Algorithm 1.
            for k in range(run.num_batches):
                visit_losses += run.visit(k, rates)
            # Lines 14 to 16.
            if self._substitutes(epoch):
                run.substitute()
            record = run.measure(epoch, visit_losses)
            bar.update(
                epoch + 1, list(record.items()), finalize=run.done or None
            )
            if on_epoch_end:
                on_epoch_end(epoch, record)
            run.save()
        return run.result()

    def _rates(self, epoch):
        """Learning rates of labels and auxiliary classifier, two floats."""
        dropped = epoch >= self.classifier_drop
        rate = self.classifier_learning_rate * (0.1 if dropped else 1.0)
        return [self.label_learning_rate, rate]

    def _substitutes(self, epoch):
        every = self.substitute_every
        return every > 0 and epoch > 0 and epoch % every == 0
