"""IEG: isolation, escalation and guidance by a tiny trusted set.

1. Isolation: the weight of each sample, and the choice between its given label
   and a pseudo-label, are those that lower the loss on trusted samples after a
   step.
2. Escalation: pseudo-labels replace labels, and predictions for a strong view
   are trained to match those for the weak view, which makes pseudo-labels
   confident.
3. Guidance: trusted samples, which are too few to learn from directly, are
   mixed heavily with the batch.

Lines in the comments are those of the paper's algorithm 1. Its line 4 divides
the batch, but treats both parts alike at the published threshold.

Reference: Zhang, Zhang, Arik, Lee and Pfister, IEG: Robust Neural Network
Training to Tackle Severe Label Noise (2019; later Distilling Effective
Supervision from Severe Label Noise, CVPR 2020); constants as in its code.
"""

import keras
import tensorflow as tf

from noisy_keras.methods.bases import semi_supervised
from noisy_keras.methods.bases.meta_model import MetaModel
from noisy_keras.networks.weight_average import WeightAverage
from noisy_keras.ops import losses
from noisy_keras.ops import meta
from noisy_keras.utils import arguments

_RULES = {
    **semi_supervised.RULES,
    "label_weight": arguments.within(0, 1, "[]"),
    "step_size": arguments.optional(arguments.within(0, float("inf"), "()")),
    "momentum_lookahead": arguments.switch,
    "relabel": arguments.switch,
    "mix_trusted": arguments.switch,
    "lookahead_through_pseudo_labels": arguments.switch,
    "supervised_weight": arguments.at_least(0),
    "mixed_target": arguments.switch,
}


@keras.saving.register_keras_serializable(package="noisy_keras")
class IEG(MetaModel):
    """IEG: weights, relabels and mixes samples, guided by a trusted set.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        unlabeled_weight: float >= 0, weight p of the mixed batch's
            pseudo-labels; 5 on CIFAR, 4 on WebVision, for hundreds of epochs.
            Small networks and short trainings need less, such as 1.
        consistency_weight: float >= 0, weight k of the divergence between
            views; 20 on CIFAR, 8 on WebVision. Small networks and short
            trainings need 2 to 5.
        temperature: float in (0, 1], temperature tau by which pseudo-labels are
            sharpened.
        label_weight: float in [0, 1], lambda_0, weight of the given label
            against the pseudo-label in the look-ahead and in the weighted loss.
        mix_alpha: float above 0, parameter of the Beta distribution of mixup
            ratios.
        step_size: float above 0, alpha of the look-ahead; None takes the
            current learning rate. The released code uses 0.1 at any learning
            rate.
        momentum_lookahead: bool, whether the look-ahead has the optimizer's
            momentum, which then must be a `MomentumSGD`. With or without it,
            the look-ahead and the gradient of the trusted loss have the
            optimizer's coupled weight decay, as in the released code.
        relabel: bool, whether labels are chosen (lambda); else samples are only
            weighted.
        mix_trusted: bool, whether trusted samples are mixed with the batch;
            without that they only guide the weights, and are soon memorised.
        lookahead_through_pseudo_labels: bool, whether the look-ahead takes into
            account how pseudo-labels would change, as the released code does.
            The signs of label choices can differ.
        logit_normalization: bool, whether logits are scaled to a mean square of
            1 for pseudo-labels and the mixed batch; the code does so, the paper
            does not mention it.
        exact_beta: bool, whether mixup ratios are drawn from the Beta
            distribution; the released code draws `1 - u^2 / 2`.
        supervised_weight: float >= 0, weight of each of the two losses on given
            labels; 0.5 in the code, 1 in the paper.
        mixed_target: bool, whether the target of the weighted loss has a share
            `1 - label_weight` of the pseudo-label, as in the code; else it is
            the given label.
        average_decay: float in [0, 1), decay of the moving average of weights
            that predicts.
        view: weak view: one of `nk.data.VIEWS`, a Keras layer, or a function of
            images and a seed, see `nk.data.Source.view`.
        strong_view: strong view, in the same form as `view`.
        name: str, name of the model.

    Attributes:
        average: `WeightAverage`, which predicts.
        sample_weight: `SampleTable` `[N, 2]`, see `TrustedSetModel`.
        kept: `SampleTable` `[N, 2]`, see `TrustedSetModel`.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> source = source.with_noise(nk.data.SymmetricNoise(0.8))
        >>> weights = {"unlabeled_weight": 1.0, "consistency_weight": 2.0}
        >>> model = nk.IEG("tiny", source, **weights)
        >>> model.compile(nk.MomentumSGD(0.05, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    loss_names = (
        "loss_weighted",
        "loss_relabeled",
        "loss_trusted",
        "loss_unlabeled",
        "consistency",
        "probe_loss",
        "zero_weights",
    )

    def __init__(
        self,
        networks,
        num_samples,
        unlabeled_weight=5.0,
        consistency_weight=20.0,
        temperature=0.5,
        label_weight=0.9,
        mix_alpha=0.5,
        step_size=0.1,
        momentum_lookahead=True,
        relabel=True,
        mix_trusted=True,
        lookahead_through_pseudo_labels=False,
        logit_normalization=True,
        exact_beta=False,
        supervised_weight=0.5,
        mixed_target=True,
        average_decay=0.999,
        view="weak",
        strong_view="autoaugment_cutout",
        name=None,
    ):
        settings = arguments.checked(_RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        self.average = WeightAverage(self.networks[0], average_decay)

    @property
    def predictors(self):
        return [self.average.network]

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        weak, strong, trusted = semi_supervised.images(data)
        labels = data["target"]
        seen = {}

        def terms():
            # Lines 1 and 2: both views, and their common pseudo-labels.
            theta = self.parameters()
            z_weak, tape, z_recorded = self.recorded(theta, weak)
            with tape:
                z_strong = z_derived = self.forward(theta, strong)
                if self.mixed and self.lookahead_through_pseudo_labels:
                    z_derived = self.exact_forward(theta, strong)
                pseudo = semi_supervised.pseudo_labels(
                    self, z_recorded, z_derived
                )
                if not self.lookahead_through_pseudo_labels:
                    pseudo = tf.stop_gradient(pseudo)
                ahead = self._lookahead_losses(labels, pseudo, z_recorded)
            pseudo = tf.stop_gradient(pseudo)
            # Line 3: the meta step.
            weights, keep = self._meta_step(theta, tape, ahead, data)
            seen.update(logits=z_weak, pseudo=pseudo, weights=weights)
            seen["keep"] = keep
            values = self._supervised(labels, pseudo, z_weak, weights, keep)
            # Line 5: the mixed batch.
            if self.mix_trusted:
                values |= semi_supervised.mixed_losses(
                    self,
                    theta,
                    (trusted, weak, strong),
                    (data["trusted_target"], pseudo),
                    data,
                )
            # Line 6: consistent predictions for both views, and the total.
            values["consistency"] = (
                self.consistency_weight
                * semi_supervised.divergence(z_weak, z_strong)
            )
            return values

        # Line 7, and the average of weights.
        step = tf.identity(self.optimizer.iterations)
        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        self.average.update(self.networks[0], step)
        even = float(labels.shape[0])
        self.remember(
            data,
            seen["pseudo"],
            even * seen["weights"],
            seen["keep"] if self.relabel else None,
        )

    def _lookahead_losses(self, labels, pseudo, logits):
        """Losses whose slopes are the weights and the label choices.

        `l_i` of equation 2 at lambda_0, and `d l_i / d lambda_i`: `[B, 2]`.
        """
        given = losses.cross_entropy(labels, logits)
        guessed = losses.cross_entropy(pseudo, logits)
        share = self.label_weight
        loss = share * given + (1.0 - share) * guessed
        return tf.stack([loss, given - guessed], axis=1)

    def _meta_step(self, theta, tape, ahead, data):
        """Equations 2 to 4: weights `[B]` summing to 1, label choices `[B]`."""
        count = ahead.shape[0]
        # The mean over samples: omega_i = 1 / B.
        slope = tf.tile([[1.0 / count, 0.0]], [count, 1])
        gradients = tape.gradient(ahead, theta, output_gradients=slope)
        theta_ahead = self.look_ahead(theta, gradients)
        _, direction = self.probe(theta_ahead, data)
        change = meta.derivative_along(tape, ahead, theta, direction)
        # Only the signs of lambda count, so alpha and 1 / B are left out.
        weights = meta.sample_weights(-self.step_length() * change[:, 0])
        keep = meta.keep_label(-change[:, 1])
        self.report_weights(weights)
        return tf.stop_gradient(weights), tf.stop_gradient(keep)

    def _supervised(self, labels, pseudo, logits, weights, keep):
        """Equation 5's first two losses, in the form of the code."""
        share = self.label_weight if self.mixed_target else 1.0
        target = share * labels + (1.0 - share) * pseudo
        each = losses.cross_entropy(target, logits)
        values = {
            "loss_weighted": self.supervised_weight
            * tf.reduce_sum(weights * each)
        }
        if self.relabel:
            keep = keep[:, None]
            target = keep * labels + (1.0 - keep) * pseudo
            each = losses.cross_entropy(target, logits)
            values["loss_relabeled"] = self.supervised_weight * tf.reduce_mean(
                each
            )
        return values

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        semi_supervised.begin(self)
        return semi_supervised.SemiSupervisedPlan(
            self, source, batch_size, seed, steps_per_epoch
        )
