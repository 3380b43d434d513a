"""EG: IEG without isolation, a semi-supervised method.

No given label is used: the trusted samples are the labelled ones, all others
have pseudo-labels. Comparing it with IEG shows what the noisy labels add.

Reference: Zhang et al., IEG (2019), section 3.4 (semi-supervised learning).
"""

import keras
import tensorflow as tf

from noisy_keras.methods.bases import semi_supervised
from noisy_keras.methods.bases.trusted import TrustedSetModel
from noisy_keras.networks.weight_average import WeightAverage
from noisy_keras.utils import arguments


@keras.saving.register_keras_serializable(package="noisy_keras")
class EG(TrustedSetModel):
    """Escalation and guidance: the semi-supervised part of IEG.

    Given labels are used by the compiled metrics and the label audit, but by no
    loss.

    Args:
        networks: a network or its name, or a list of one.
        num_samples: int, number of training samples N; or the `Source`.
        unlabeled_weight: float >= 0, weight p of the mixed batch's
            pseudo-labels; 5 on CIFAR, 4 on WebVision.
        consistency_weight: float >= 0, weight k of the divergence between
            views; 20 on CIFAR, 8 on WebVision.
        temperature: float in (0, 1], temperature tau by which pseudo-labels are
            sharpened.
        mix_alpha: float above 0, parameter of the Beta distribution of mixup
            ratios.
        logit_normalization: bool, whether logits are scaled to a mean square of
            1 for pseudo-labels and the mixed batch, as in the released code;
            the paper does not mention it.
        exact_beta: bool, whether mixup ratios are drawn from the Beta
            distribution; the released code draws `1 - u^2 / 2`.
        average_decay: float in [0, 1), decay of the moving average of weights
            that predicts.
        view: weak view: one of `nk.data.VIEWS`, a Keras layer, or a function of
            images and a seed, see `nk.data.Source.view`.
        strong_view: strong view, in the same form as `view`.
        name: str, name of the model.

    Attributes:
        average: `WeightAverage`, which predicts.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> weights = {"unlabeled_weight": 1.0, "consistency_weight": 2.0}
        >>> model = nk.EG("tiny", source, **weights)
        >>> model.compile(nk.MomentumSGD(0.05, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

    refuses_sample_weight = (
        "uses no given label of these samples, but pseudo-labels"
    )
    loss_names = ("loss_trusted", "loss_unlabeled", "consistency")

    def __init__(
        self,
        networks,
        num_samples,
        unlabeled_weight=5.0,
        consistency_weight=20.0,
        temperature=0.5,
        mix_alpha=0.5,
        logit_normalization=True,
        exact_beta=False,
        average_decay=0.999,
        view="weak",
        strong_view="autoaugment_cutout",
        name=None,
    ):
        settings = arguments.checked(semi_supervised.RULES, locals())
        super().__init__(networks, num_samples, settings, name)
        self.average = WeightAverage(self.networks[0], average_decay)

    @property
    def predictors(self):
        return [self.average.network]

    def steps(self):
        return {"train": self._train}

    def _train(self, data):
        weak, strong, trusted = semi_supervised.images(data)
        seen = {}

        def terms():
            theta = self.parameters()
            z_weak = self.learn(theta, weak)
            z_strong = self.forward(theta, strong)
            pseudo = tf.stop_gradient(
                semi_supervised.pseudo_labels(self, z_weak, z_strong)
            )
            seen.update(logits=z_weak, pseudo=pseudo)
            values = semi_supervised.mixed_losses(
                self,
                theta,
                (trusted, weak, strong),
                (data["trusted_target"], pseudo),
                data,
            )
            divergence = semi_supervised.divergence(z_weak, z_strong)
            values["consistency"] = self.consistency_weight * divergence
            return values

        step = tf.identity(self.optimizer.iterations)
        self.descend(0, terms, data["label"], logits=lambda: seen["logits"])
        self.average.update(self.networks[0], step)
        self.remember(data, seen["pseudo"])

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        semi_supervised.begin(self)
        return semi_supervised.SemiSupervisedPlan(
            self, source, batch_size, seed, steps_per_epoch
        )
