"""EG: IEG without isolation, a semi-supervised method.

No given label is used: the trusted samples are the labelled ones, all others
have pseudo-labels. What it reaches is what noisy labels must add to.

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

    Given labels enter the compiled metrics and the audit, no loss.

    Args:
        networks: one network (or a list of one).
        num_samples: N, of the source to be trained on.
        unlabeled_weight: see `IEG`.
        consistency_weight: see `IEG`.
        temperature: see `IEG`.
        mix_alpha: see `IEG`.
        logit_normalization: see `IEG`.
        exact_beta: see `IEG`.
        average_decay: see `IEG`.
        view: see `IEG`.
        strong_view: see `IEG`.

    Example:
        >>> source = nk.data.load("digits")
        >>> source, trusted = source.split(trusted=10)
        >>> network = nk.networks.build("tiny", source)
        >>> weights = {"unlabeled_weight": 1.0, "consistency_weight": 2.0}
        >>> model = nk.EG(network, source.num_samples, **weights)
        >>> model.compile(nk.MomentumSGD(0.05, weight_decay=5e-4))
        >>> history = model.fit(source, trusted=trusted, epochs=20, verbose=0)
    """

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
        chosen = arguments.checked(semi_supervised.RULES, locals())
        super().__init__(networks, num_samples, chosen, name)
        self.average = WeightAverage(self.networks[0], average_decay)
        self.built = True

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
