"""DMLP: a decoupled label purifier, and any host on the labels it leaves.

1. Features that no wrong label has affected: of an encoder, or learnt here from
   the images alone (SimCLR).
2. Labels are purified on them, with a few trusted samples (`LabelPurifier`).
3. Plain training on the purified labels (DMLP-Naive), or any other method on
   them in place of the given labels (DMLP-DivideMix, ...).

Reference: Tu et al., Learning from Noisy Labels with Decoupled Meta Label
Purifier, CVPR 2023.
"""

import warnings

import numpy as np

from noisy_keras import features as features_module
from noisy_keras.core import audits
from noisy_keras.core import inputs
from noisy_keras.data.sources.feature_source import FeatureSource
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
    """Purifies labels, and trains a host on them.

    Args:
        network: a network or its name, or a list of one. The host starts from
            it, and SimCLR trains a copy of it.
        source: the `Source` to train on.
        host: str, a name in `nk.recipes.HOSTS`; or a class or function of a
            network, a source and `host_options` to an uncompiled model.
            `"cross_entropy"` is DMLP-Naive; `"eg"`, whose loss has no given
            label, is refused.
        width: int, number of channels of the first stage of a network given by
            name; None is the published width.
        epochs: int, number of epochs of the host.
        drops: ints, epochs of the host at which the learning rate is divided by
            10; default: half-way.
        encoder: encoder of the features, as of `nk.features.compute`: a network
            or other `keras.Model`, or a path; None where SimCLR is to train
            one, or features are passed to `fit`, or the source is one of
            features, which are standardised and used as they are.
        pretrain_epochs: int, number of epochs of SimCLR; not used with an
            encoder or a source of features. With 0 features are passed to
            `fit`.
        pretraining: dict of options that differ from
            `noisy_keras.recipes.pretraining.DEFAULTS`, which are for CIFAR.
        purifier: `LabelPurifier`; default: with its default arguments.
        soft_labels: bool, whether the host is trained on the purified
            distributions rather than on their top classes.
        warm_start: bool, whether the host starts from SimCLR's encoder, as in
            C2D.
        host_options: dict of the host's own arguments.

    Attributes:
        purified: `PurifiedLabels`, once fitted.

    Raises:
        ConfigurationError: an argument out of range, an unknown host, or a
            network that does not fit the source.

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
        # Features need no encoder.
        if encoder is not None or isinstance(source, FeatureSource):
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
                "Expected `warm_start` only where SimCLR is trained here; pass "
                "`network=nk.networks.warm_started(encoder)` to start from "
                "an encoder of your own. Received: warm_start=True with "
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
            source: the `Source` to train on.
            trusted: `Source` of V trusted samples, at least one of each class.
            features: pair of float arrays, `[N, D]` of the source and `[V, D]`
                of the trusted samples, or of lists of two views each; None
                where they are computed.
            **options: as of `Recipe.fit`.

        Returns:
            The trained host, a `NoisyLabelModel`.

        Raises:
            ArtefactError: a folder of another configuration or data.
            PhaseError: features on which labels cannot be purified.
            ConfigurationError: data or arguments that do not fit.
        """
        self._features = self._own(source, trusted, features)
        return super().fit(source, trusted=trusted, **options)

    def run(self, training):
        """Trains all phases: see `Recipe.run`."""
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

    def label_audit(self, source, held_out=None):
        audit = self.purified.audit(source)
        if held_out is None:
            return audit
        return audits.with_held_out(self.model, audit, source, held_out)

    def _own(self, source, trusted, features):
        """The features of sources of features, where no others are given."""
        both = (source, trusted)
        if features is not None or self._encoder is not None:
            return features
        if not all(isinstance(each, FeatureSource) for each in both):
            return None
        mean = np.asarray(source.pixel_mean, np.float32)
        std = np.asarray(source.pixel_std, np.float32)
        return tuple(
            (each.fetch(np.arange(each.num_samples)).numpy() - mean) / std
            for each in both
        )

    def check(self, source, trusted=None, features=None):
        features = self._features if features is None else features
        features = self._own(source, trusted, features)
        if not inputs.is_source(source):
            return  # `fit` raises for it.
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
            # Raises if the encoder is for other images.
            width = extractor(source.subset([0])).shape[-1]
            key = extractor.key(source, "none", 0)
            self.inputs["features"] = key or feature_cache.weights_key(
                extractor.encoder
            )
        elif features is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `fit` repeats them.
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
            # Now, and not hours later, when the features exist.
            raise ConfigurationError(
                "Expected a ridge where batches have fewer samples than "
                "features, such as 1e-3. Received: ridge=0, batches of "
                f"{size} samples, and {width} features"
            )

    def _features_of(self, training, encoder):
        """Features of the source and of the trusted samples, a pair."""
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
            f"{training.source.num_samples} labels are purified with "
            f"{self.trusted.num_samples} trusted samples"
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
            # The data of the recipe are the same, but features were computed
            # again, and on some devices their last bits differ.
            training.report(
                "features were computed again, so labels are purified again"
            )
            training.discard("checkpoints", PURIFIED)
            return fit()
