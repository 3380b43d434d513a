"""DivideMix: learning with noisy labels as semi-supervised learning.

1. Co-divide: a Gaussian mixture on each network's losses separates probably
   clean samples (labelled) from the rest (unlabelled), for the *other* network.
2. Co-refine and co-guess: labels of clean samples are mixed with the network's
   own prediction, the more the lower their clean probability is; labels of the
   rest are the predictions of both networks together.
3. MixMatch on both, with a penalty that keeps predictions spread over classes.

Reference: Li, Socher and Hoi, DivideMix: Learning with Noisy Labels as
Semi-supervised Learning, ICLR 2020, Algorithm 1; constants as in its code.
"""

import keras
import numpy as np
import tensorflow as tf

from noisy_keras.core.model import NoisyLabelModel
from noisy_keras.core.plugin import Views
from noisy_keras.data import augment
from noisy_keras.labels import agreement
from noisy_keras.labels import class_sizes
from noisy_keras.labels import measuring
from noisy_keras.labels.cross_epoch import CrossEpochHistory
from noisy_keras.labels.division import LossDivision
from noisy_keras.labels.division import LossHistory
from noisy_keras.labels.division import by_class
from noisy_keras.labels.strategies import PeerNetworks
from noisy_keras.methods.bases import adaptive_plan
from noisy_keras.methods.bases import correction
from noisy_keras.methods.bases import imbalance
from noisy_keras.methods.bases.adaptive_plan import AdaptivePlan
from noisy_keras.methods.bases.dividemix_plan import DivideMixPlan
from noisy_keras.ops import losses
from noisy_keras.ops import mixing
from noisy_keras.ops import random
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.sample_table import SampleTable
from noisy_keras.utils import arguments

#: The value of `warmup_epochs` that lets evidence decide.
AUTO = "auto"

_RULES = {
    "warmup_epochs": arguments.named(AUTO, arguments.at_least(0, int)),
    "warmup_penalty": arguments.switch,
    "warmup_view": augment.view_rule,
    "warmup_clip_norm": arguments.optional(arguments.at_least(0)),
    "warmup_batch_factor": arguments.optional(arguments.at_least(1, int)),
    "unlabeled_weight": arguments.at_least(0),
    "rampup_epochs": arguments.at_least(0),
    "temperature": arguments.within(0, 1, "(]"),
    "clean_threshold": arguments.within(0, 1, "()"),
    "mix_alpha": arguments.within(0, float("inf"), "()"),
    "guess_view": augment.view_rule,
    "train_view": arguments.optional(augment.view_rule),
    "num_views": arguments.at_least(1, int),
    "mix_unlabeled": arguments.switch,
    "loss_history": arguments.at_least(1, int),
    "separate_guesses": arguments.switch,
    "division": arguments.one_of(
        "auto",
        "loss",
        "global",
        "per_class",
        agreement.AGREEMENT,
        agreement.BOTH,
    ),
    "sampling": imbalance.RULES["sampling"],
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class DivideMix(NoisyLabelModel):
    """DivideMix, a host of plug-ins that append views (SANM, AugDesc).

    Args:
        networks: a network or its name, or a list of two. From one network of
            trained or frozen weights both start, the second with a classifier
            of its own; where the weights are random, it gets other ones.
        num_samples: int, number of training samples N; or the `Source`.
        plugins: list of `StepPlugin`s, such as `AdversarialNoisyMasking`.
        warmup_epochs: int, number of epochs of plain training before the first
            division; 10 for CIFAR-10, 30 for CIFAR-100, 1 for Clothing1M and
            WebVision. `"auto"` trains one network plainly, on labels that its
            history corrects, until evidence says that a division can be
            trusted; with fewer than 60 epochs, to the end. The division is then
            by the history, within the estimated noise rate. See
            `noisy_keras.methods.bases.adaptive_plan`.
        warmup_penalty: bool, whether the warm-up subtracts the entropy of the
            predictions, as it should for asymmetric noise and on Clothing1M.
        warmup_view: view of the warm-up: one of `nk.data.VIEWS`, a Keras layer,
            or a function of images and a seed, see `nk.data.Source.view`.
        warmup_clip_norm: float >= 0, upper bound on the gradient norm in the
            warm-up (C2D and SANM: 1), or None.
        warmup_batch_factor: int, how many times larger batches are in the
            warm-up; default: 2, and 1 with `warmup_epochs="auto"`.
        unlabeled_weight: float >= 0, lambda_u. On CIFAR-10: 0 for 20 %
            symmetric and for asymmetric noise, 25 for 50 and 80 %, 50 for 90 %.
            On CIFAR-100: 25 and 150. With `warmup_epochs="auto"` it is the
            most: less noise, or more concentrated noise, gets a share of it.
        rampup_epochs: float >= 0, number of epochs over which lambda_u grows
            after the warm-up.
        temperature: float in (0, 1], temperature T by which labels are
            sharpened.
        clean_threshold: float in (0, 1), tau; samples of higher clean
            probability are labelled.
        mix_alpha: float above 0, parameter of the Beta distribution of mixup
            ratios; 4 on CIFAR, 0.5 on Clothing1M and WebVision.
        guess_view: view whose predictions become labels, in the same form as
            `warmup_view`.
        train_view: view to train on, in the same form; None trains on the views
            of `guess_view`. `"autoaugment"` here is AugDesc.
        num_views: int, number of views of each kind.
        mix_unlabeled: bool, whether unlabelled samples are trained on; the
            codes for Clothing1M leave them out.
        loss_history: int, number of divisions whose losses are averaged; 1 uses
            the last, 5 is the paper's for 90 % noise.
        separate_guesses: bool, whether each view has a forward pass of its own,
            so that batch statistics are of B images as in the published code;
            joint passes are faster.
        name: str, name of the model.
        division: str, what the samples are divided by.

            - `"loss"`, the same as `"auto"`: their losses. One mixture divides
              all of them, as in the paper; where class sizes differ by more
              than a factor of 10, those of each given class are divided on
              their own, see `noisy_keras.labels.division.by_class`. `"global"`
              and `"per_class"` ask for the one or the other.
            - `"agreement"`: whether the given label is the most frequent one
              among the neighbours in the network's embedding, or, for a source
              of features, in the space of the features. See
              `noisy_keras.labels.agreement`.
            - `"both"`: the mean of the log-odds of both.

            With `warmup_epochs="auto"` the history of predictions, which takes
            classes into account, stands in for the losses.
        fresh_copy: bool, whether the second network gets new random weights,
            where one is given. None: only if those of the given network are
            random; see `nk.networks.copied`.
        sampling: str, `"shuffled"`; or `"balanced"`: an epoch is of as many
            samples of each given class, as in the code for Clothing1M. Where
            `fit` bounds the steps of an epoch, the division is of these samples
            alone.

    Both networks share one optimizer: a `LearningRateSchedule` counts the steps
    of both. A `LearningRateScheduler`, which counts epochs, is not affected.

    Attributes:
        clean_probability: `SampleTable` `[N, 2]`, a column per network.
        loss_table: `SampleTable`, losses of the last divisions.
        label_history: `LabelHistory`, a prediction per division.

    Raises:
        ConfigurationError: an argument out of range.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.4))
        >>> model = nk.DivideMix("tiny", source, warmup_epochs=5)
        >>> model.compile()
        >>> history = model.fit(source, epochs=20, verbose=0)
        >>> model.label_audit(source).to_csv("label_audit.csv")
    """

    default_batch_size = 64
    loss_names = ("loss_labeled", "loss_unlabeled", "penalty")
    network_count = 2
    refuses_sample_weight = (
        "divides samples by their losses, and trains on mixtures of pairs"
    )
    audit_strategy = PeerNetworks()
    #: Arguments that `change` can change during training.
    CHANGEABLE = ("unlabeled_weight", "rampup_epochs", "clean_threshold")

    def __init__(
        self,
        networks,
        num_samples,
        plugins=(),
        warmup_epochs=10,
        warmup_penalty=False,
        warmup_view="weak",
        warmup_clip_norm=None,
        warmup_batch_factor=None,
        unlabeled_weight=25.0,
        rampup_epochs=16,
        temperature=0.5,
        clean_threshold=0.5,
        mix_alpha=4.0,
        guess_view="weak",
        train_view=None,
        num_views=2,
        mix_unlabeled=True,
        loss_history=1,
        separate_guesses=False,
        name=None,
        division="auto",
        fresh_copy=None,
        sampling="shuffled",
    ):
        settings = arguments.checked(_RULES, locals())
        adaptive = settings["warmup_epochs"] == AUTO
        if settings["warmup_batch_factor"] is None:
            settings["warmup_batch_factor"] = 1 if adaptive else 2
        super().__init__(
            networks, num_samples, plugins, name, settings, fresh_copy
        )
        self.adaptive = adaptive
        # Column k: by the losses of network k. All clean until divided.
        self.clean_probability = SampleTable(
            self.num_samples, 2, initial_value=1.0, name="clean_probability"
        )
        self._history = LossHistory.of(self.num_samples, 2, loss_history)
        self.loss_table = self._history.table
        self.divide = LossDivision()
        #: What was decided while training: a list of `Decision`.
        self.decisions = []
        if self.adaptive:
            self.keep_history()
            self.audit_strategy = CrossEpochHistory()
            self.adaptive_state = self.add_weight(
                shape=(len(adaptive_plan.State.FIELDS),),
                initializer=_initial_state,
                trainable=False,
                name="adaptive_state",
            )
        else:
            # By the mean of both networks, at each division.
            self.label_history = LabelHistory(
                self.num_samples, name="label_history"
            )

    def change(self, **changes):
        """Changes arguments that are read between epochs.

        Args:
            **changes: new values of arguments in `CHANGEABLE`.

        Raises:
            ConfigurationError: another argument, or a value out of range.
        """
        arguments.require_known(changes, self.CHANGEABLE)
        for name, value in changes.items():
            value = _RULES[name](name, value)
            self.settings[name] = value
            setattr(self, name, value)

    def decide(self, epoch, text):
        """Notes a decision in `decisions`.

        Args:
            epoch: int, number of the epoch before which it was made.
            text: str, what was decided and why.
        """
        self.decisions.append(adaptive_plan.Decision(epoch, text))

    def steps(self):
        return {
            "warmup_0": lambda data: self._warm_up(0, data),
            "warmup_1": lambda data: self._warm_up(1, data),
            "mixmatch_0": lambda data: self._mixmatch(0, data),
            "mixmatch_1": lambda data: self._mixmatch(1, data),
        }

    def _warm_up(self, k, data):
        """Plain training, with a confidence penalty if `warmup_penalty`."""

        target = data["target"]
        if self.adaptive:
            target = correction.corrected(self, data["index"], target)

        def terms(logits):
            loss = losses.cross_entropy(target, logits)
            values = {"loss_labeled": tf.reduce_mean(loss)}
            if self.warmup_penalty:
                values["penalty"] = losses.negative_entropy(logits)
            return values

        logits = self.descend_on(
            data, terms, k, clip_norm=self.warmup_clip_norm
        )
        if self.adaptive:
            self.remember(data, tf.nn.softmax(logits))

    def _mixmatch(self, k, data):
        """One step of network `k` on a labelled and an unlabelled batch."""
        network, peer = self.networks[k], self.networks[1 - k]
        seed = data["seed"][0]
        x, u = data["labeled"], data["unlabeled"]
        x_guess, u_guess = _as_floats(x["guess"]), _as_floats(u["guess"])
        # Each network uses the division by its peer's losses: column 1 - k.
        w_x = self._clean_by_peer(k, x["index"])
        w_u = self._clean_by_peer(k, u["index"])

        # Mean prediction over views; training mode and no gradient, as in
        # the published code: batch statistics are used, and learnt.
        x_seen = self._forward(network, x_guess, training=True)
        p_x = _mean_softmax(x_seen)
        # Co-guessing: both networks, the peer in inference mode.
        u_seen = self._forward(network, u_guess, training=True)
        p_u = _mean_softmax(u_seen + self._forward(peer, u_guess))
        # Co-refinement of given labels, and sharpening of both.
        refined = mixing.co_refine(x["target"], p_x, w_x)
        t_x = tf.stop_gradient(mixing.sharpen(refined, self.temperature))
        t_u = tf.stop_gradient(mixing.sharpen(p_u, self.temperature))

        # Views to train on, and those that plug-ins append.
        pool_x = _as_floats(x["train"]) if "train" in x else x_guess
        pool_u = _as_floats(u["train"]) if "train" in u else u_guess
        pool_x = [(v, t_x) for v in pool_x + _as_floats(x.get("extra"))]
        pool_u = [(v, t_u) for v in pool_u + _as_floats(u.get("extra"))]
        originals = Views(
            tf.concat([x_guess[0], u_guess[0]], axis=0),
            tf.concat([t_x, t_u], axis=0),
            tf.concat([w_x, w_u], axis=0),
            _joined(x_seen[0], u_seen[0]),
        )
        made = []
        for number, plugin in enumerate(self.plugins):
            copies = plugin.views(
                network, originals, random.fold_in(seed, 8 + number)
            )
            made.append((plugin, copies))
            for copy in copies:
                (x_copy, u_copy) = tf.split(copy.images, 2)
                (x_target, u_target) = tf.split(copy.targets, 2)
                pool_x.append((x_copy, x_target))
                pool_u.append((u_copy, u_target))

        # MixMatch: mixup over the whole pool, by one ratio.
        pool = pool_x + (pool_u if self.mix_unlabeled else [])
        images = tf.concat([images for images, _ in pool], axis=0)
        targets = tf.concat([targets for _, targets in pool], axis=0)
        order = random.permutation(targets.shape[0], random.fold_in(seed, 0))
        images, targets = mixing.mixup(
            images, targets, data["mix_ratio"][0], order
        )
        labeled = len(pool_x) * x["index"].shape[0]

        def terms():
            logits = network(images, training=True)["logits"]
            # The weight is 0 where one side of the division is empty.
            loss_x = tf.reduce_mean(
                losses.cross_entropy(targets[:labeled], logits[:labeled])
            )
            values = {"loss_labeled": data["labeled_weight"][0] * loss_x}
            if self.mix_unlabeled:
                loss_u = tf.reduce_mean(
                    losses.squared_error(targets[labeled:], logits[labeled:])
                )
                values["loss_unlabeled"] = data["unlabeled_weight"][0] * loss_u
            values["penalty"] = losses.class_balance_penalty(logits)
            for plugin, copies in made:
                values[plugin.loss_name] = plugin.loss(
                    k, network, originals, copies
                )
            return values

        self.descend(k, terms, labels=x["label"], logits=x_seen[0]["logits"])
        if self.adaptive:
            self.remember(x, p_x)
            self.prediction_history.add(u["index"], p_u)

    def _clean_by_peer(self, k, index):
        return self.clean_probability.read(index)[:, 1 - k]

    def _forward(self, network, views, training=False):
        """Outputs per view, from one pass over all views or one each."""
        if self.separate_guesses:
            return [network(v, training=training) for v in views]
        outputs = network(tf.concat(views, axis=0), training=training)
        count = len(views)
        parts = {key: tf.split(v, count) for key, v in outputs.items()}
        return [{k: part[i] for k, part in parts.items()} for i in range(count)]

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        plan = AdaptivePlan if self.adaptive else DivideMixPlan
        return plan(self, source, batch_size, seed, steps_per_epoch)

    def co_divide(self, source, index=None):
        """Computes `clean_probability` anew, see the argument `division`.

        Args:
            source: the `Source` in training.
            index: int array, positions of the samples that are divided, each
                once; None: all. The others keep their clean probability.
        """
        per_class = self.divides_per_class(source)
        if index is None:
            index = np.arange(source.num_samples)
        else:
            source = source.subset(index)
        embed = agreement.needs_embeddings(self, source)
        measured = measuring.measure(self, source, embed=embed)
        self.label_history.count(index, measured.suggested == source.labels)
        losses_so_far = self._history.push(measured.loss, index)
        clean = np.array(self.clean_probability.numpy())
        known = clean[index]
        if per_class:
            found = by_class(self.divide, losses_so_far, known, source.labels)
        else:
            found = self.divide(losses_so_far, known)
        clean[index] = agreement.divided(
            self, source, found, measured.embeddings
        )
        self.clean_probability.assign(clean)

    def divides_per_class(self, source):
        """Whether the losses of each given class are divided on their own.

        Args:
            source: `Source` in training.

        Returns:
            bool.
        """
        if self.adaptive or self.division in ("global", agreement.AGREEMENT):
            return False
        return self.division == "per_class" or class_sizes.are_uneven(
            source.labels
        )


def _initial_state(shape, dtype=None):
    del shape
    return tf.constant(adaptive_plan.State.INITIAL, dtype or tf.float32)


def _as_floats(views):
    """A list of V float32 `[B, H, W, C]` from `[B, V, H, W, C]` or None."""
    if views is None:
        return []
    return tf.unstack(tf.cast(views, tf.float32), axis=1)


def _mean_softmax(outputs):
    predictions = [tf.nn.softmax(o["logits"]) for o in outputs]
    return tf.add_n(predictions) / float(len(predictions))


def _joined(first, second):
    return {key: tf.concat([first[key], second[key]], axis=0) for key in first}
