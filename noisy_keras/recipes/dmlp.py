"""DMLP: a decoupled label purifier, and any host on the labels it leaves.

1. Features that no wrong label has touched: of an encoder, or learnt here from
   the pictures alone (SimCLR).
2. Labels are purified on them, with a few trusted samples (`LabelPurifier`).
3. Plain training on the purified labels (DMLP-Naive), or any other method in
   the place of the labels as given (DMLP-DivideMix, ...).

Reference: Tu et al., Learning from Noisy Labels with Decoupled Meta Label
Purifier, CVPR 2023.
"""

import warnings

import numpy as np

from noisy_keras import features as features_module
from noisy_keras.core import inputs
from noisy_keras.features import cache as feature_cache
from noisy_keras.methods.dmlp import choice
from noisy_keras.methods.dmlp.data import Data
from noisy_keras.methods.dmlp.purifier import LabelPurifier
from noisy_keras.methods.dmlp.result import PurifiedLabels
from noisy_keras.methods.dmlp.state import OtherDataError
from noisy_keras.recipes import purification
from noisy_keras.recipes.artefacts import PhaseError
from noisy_keras.recipes.host_recipe import HOST
from noisy_keras.recipes.host_recipe import HostRecipe
from noisy_keras.utils import arguments
from noisy_keras.utils.errors import ConfigurationError

PURIFIED = "purified"


class DMLP(HostRecipe):
    """Purified labels, and a host that is trained on them.

    Args:
        network: a network, or the name of one: the host starts from it, and
            SimCLR trains one like it.
        source: the `Source` to be trained on.
        host: a name of `nk.recipes.HOSTS`, or a function of a network, a
            source and the `host_options` to an uncompiled model.
            `"cross_entropy"` is DMLP-Naive; `"eg"`, which learns from no given
            label, is refused.
        width: of a network given by name.
        epochs: of the host.
        drops: of these, epochs at which the learning rate is divided by 10;
            default: half-way.
        encoder: that makes the features, as of `nk.features.compute`: a
            network or other `keras.Model`, or a path; None where SimCLR is to
            learn one, or `fit` is given features.
        pretrain_epochs: of SimCLR; of no use with an encoder. 0: `fit` is
            given features.
        pretraining: dict of what differs from
            `noisy_keras.recipes.pretraining.DEFAULTS`, those for CIFAR.
        purifier: a `LabelPurifier`; default: the recommended one.
        soft_labels: whether the host is trained on the distributions that
            labels were purified to, rather than on their top classes.
        warm_start: whether the host starts from SimCLR's encoder, as in C2D.
        host_options: dict of the host's arguments.

    Attributes:
        purified: `PurifiedLabels`, once fitted.

    Raises:
        ValueError: settings out of range, no such host, or a network that is
            not for the source.

    Example:
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.5))
        >>> source, trusted = source.split(trusted=10)
        >>> dmlp = nk.DMLP(
        ...     "tiny",
        ...     source,
        ...     epochs=25,
        ...     drops=(20,),
        ...     pretrain_epochs=40,
        ...     pretraining={"batch_size": 128, "learning_rate": 0.06},
        ...     purifier=nk.LabelPurifier(epochs=40),
        ... )
        >>> model = dmlp.fit(source, trusted=trusted, verbose=0)
        >>> type(model).__name__
        'CrossEntropy'
        >>> dmlp.label_audit(source).to_csv("label_audit.csv")
    """

    artefact_names = (PURIFIED,)

    def __init__(
        self,
        network,
        source,
        host="cross_entropy",
        width=None,
        epochs=300,
        drops=None,
        encoder=None,
        pretrain_epochs=1000,
        pretraining=None,
        purifier=None,
        soft_labels=False,
        warm_start=False,
        host_options=None,
    ):
        given = dict(locals())
        if encoder is not None:
            given["pretrain_epochs"] = 0
        self.purifier = purifier or LabelPurifier()
        if not isinstance(self.purifier, LabelPurifier):
            raise ConfigurationError(
                "Expected `purifier` to be a `LabelPurifier`, such as "
                f"`nk.LabelPurifier(epochs=40)`. Received: {purifier!r}"
            )
        self.soft_labels = arguments.switch("soft_labels", soft_labels)
        own = {
            "purifier": self.purifier.settings,
            "soft_labels": self.soft_labels,
            "warm_start": arguments.switch("warm_start", warm_start),
        }
        super().__init__(network, source, given, 0.5, own, warm=warm_start)
        if not self._learns_labels:
            raise ConfigurationError(
                "Expected a host that learns from the labels that are "
                "purified, such as 'cross_entropy'; `nk.C2D` takes others. "
                f"Received: host={self.settings['host']!r}"
            )
        if warm_start and len(self.phases) == 1:
            raise ConfigurationError(
                "Expected `warm_start` where SimCLR learns here; pass "
                "`network=nk.networks.warm_started(encoder)` to start from "
                "an encoder of yours. Received: warm_start=True with "
                f"pretrain_epochs={given['pretrain_epochs']}"
            )
        if features_module.is_path(encoder) and str(encoder).endswith(".npy"):
            raise ConfigurationError(
                "Expected an encoder; arrays are passed as `features` in "
                f"`fit`. Received: encoder={encoder!r}"
            )
        self._encoder, self._features = encoder, None
        self.purified = None

    def fit(self, source, *, trusted, features=None, **options):
        """Trains all phases, or those that are not finished.

        Args:
            source: the `Source` to be trained on.
            trusted: `Source` of samples with right labels, at least one of
                each class.
            features: a pair, float `[N, D]` of the source and `[V, D]` of the
                trusted samples, or lists of two views each; None where they
                are computed.
            **options: as of `Recipe.fit`.

        Returns:
            The trained host, a `NoisyLabelModel`.

        Raises:
            ArtefactError: a folder of another configuration or data.
            PhaseError: features that labels cannot be purified on.
            ValueError: data or arguments that do not fit.
        """
        self._features = features
        return super().fit(source, trusted=trusted, **options)

    def run(self, training):
        """All phases."""
        encoder = self.pretrained(training)

        def purify():
            try:
                # 1. Features.
                views = self._features_of(training, encoder)
                # 2. Purified labels.
                return self._purify(training, *views).as_arrays()
            except ValueError as error:
                raise PhaseError(str(error)) from error

        self.purified = PurifiedLabels.of_arrays(
            training.once(PURIFIED, purify)
        )
        training.discard("checkpoints", PURIFIED)
        training.report(purification.describe(self.purified, training.source))
        # 3. The host on them.
        source = self.labels_of(self.phases[-1], training.source)
        start = encoder if self.settings["warm_start"] else None
        return self.train_host(training, start, source)

    def labels_of(self, phase, source):
        if phase.name != HOST or self.purified is None:
            return source
        purified = self.purified
        return source.relabel(
            purified.labels if self.soft_labels else purified.label
        )

    def label_audit(self, source):
        return self.purified.audit(source)

    def check(self, source, trusted=None, features=None):
        features = self._features if features is None else features
        if not inputs.is_source(source):
            return  # That is told by `fit`.
        computed = self._encoder is not None or len(self.phases) == 2
        if computed == (features is not None):
            raise ConfigurationError(
                "Expected either `features` in `fit`, or an `encoder` or "
                "`pretrain_epochs` above 0 that make them. Received: "
                + ("both" if computed else "neither")
            )
        if features is not None and (
            not isinstance(features, (list, tuple)) or len(features) != 2
        ):
            raise ConfigurationError(
                "Expected `features` to be a pair: those of the source and "
                "those of the trusted samples. Received: "
                + (
                    f"{len(features)} of them"
                    if isinstance(features, (list, tuple))
                    else f"shape {np.shape(features)}"
                )
            )
        inputs.check_trusted(trusted, source)
        super().check(source, trusted)
        purifier = self.purifier
        choice.hold_out(trusted.labels, purifier.held_out, purifier.seed)
        width = self.networks[0].output["embedding"].shape[-1]
        if self._encoder is not None:
            extractor = features_module.Extractor(self._encoder)
            # Maybe it is for other images.
            width = extractor(source.subset([0])).shape[-1]
            key = extractor.key(source, "none", 0)
            self.inputs["features"] = key or feature_cache.weights_key(
                extractor.encoder
            )
        elif features is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # They are told later.
                data = Data(
                    source,
                    features[0],
                    trusted,
                    features[1],
                    purifier.held_out,
                    purifier.seed,
                )
            self.inputs["features"] = data.fingerprint()
            width = data.features[0].shape[-1]
        size = min(purifier.batch_size, source.num_samples)
        if not purifier.ridge and size < width:
            # Not hours later, when they are there.
            raise ConfigurationError(
                "Expected a ridge where batches have fewer samples than "
                "features, such as 1e-3. Received: ridge=0, batches of "
                f"{size} samples, and {width} features"
            )

    def _features_of(self, training, encoder):
        """Of the source and of the trusted samples."""
        if self._features is not None:
            return self._features
        network = self._encoder
        if network is None:
            network = training.fresh_network(encoder)
        return tuple(
            features_module.compute(
                source, network, cache=training.folder("features")
            )
            for source in (training.source, self.trusted)
        )

    def _purify(self, training, views, trusted_views):
        training.report(
            f"{training.source.num_samples} labels are purified by "
            f"{self.trusted.num_samples} trusted ones"
        )

        def fit():
            return self.purifier.fit(
                training.source,
                views,
                self.trusted,
                trusted_views,
                directory=training.folder("checkpoints", PURIFIED),
                verbose=training.options["verbose"],
            )

        try:
            return fit()
        except OtherDataError:
            # The recipe's own data are the same: features were computed anew,
            # and on some devices their last bits differ.
            training.report("features were made anew, and so are the labels")
            training.discard("checkpoints", PURIFIED)
            return fit()
