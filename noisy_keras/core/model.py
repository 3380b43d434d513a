"""The base class of all methods."""

import contextlib
import inspect

import keras
import numpy as np
import tensorflow as tf

from noisy_keras import optimizers
from noisy_keras.core import audits
from noisy_keras.core import data_errors
from noisy_keras.core import inputs
from noisy_keras.core import metrics as metrics_module
from noisy_keras.core import prediction
from noisy_keras.core import training
from noisy_keras.core import vectors
from noisy_keras.core.deprecated import DeprecatedNames
from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.labels import measuring
from noisy_keras.labels import strategies
from noisy_keras.networks import as_networks
from noisy_keras.networks import head
from noisy_keras.networks.freezing import frozen_backbones
from noisy_keras.ops import losses
from noisy_keras.serving import exporting as serving
from noisy_keras.tables.prediction_history import LabelHistory
from noisy_keras.tables.prediction_history import history_of
from noisy_keras.utils import distribution
from noisy_keras.utils import serialization
from noisy_keras.utils.errors import ConfigurationError


class NoisyLabelModel(DeprecatedNames, keras.Model):
    """A method for noisy labels, as a Keras model: the base of all methods.

    It maps images `[B, H, W, C]`, pixel values as in the image files, to class
    probabilities `[B, K]`. `fit` takes a source, an epoch plan, arrays or a
    plain dataset, and does all that the method needs beside its steps.

    A method implements `steps`. It may have:

    - `loss_names`, the terms of its loss;
    - arguments of its own, passed to this constructor as `settings`, which
      become attributes and are saved;
    - tables with a row per sample (`SampleTable`), made in its constructor;
    - another `audit_strategy`;
    - a plan of its own (`make_plan`), unless it has one round per epoch over
      all samples in the view `view`.

    A step gets a batch: a dict of tensors, see `OneRoundPlan`. The phase of a
    batch picks the step when it is traced, so there is one trace per phase,
    however the epochs differ.

    Args:
        networks: name of a network (see `nk.networks.NAMES`), a network, or a
            list of networks that all take the same images and have the same
            number of classes. A name needs a source as second argument. Where
            the method trains more networks than are given by a name or one
            network, the others are of the same structure. They start from the
            weights of the given network with classifiers of their own, or from
            random weights where that one has random weights.
        num_samples: int, number of training samples N; or the `Source`.
        plugins: list of `StepPlugin`s.
        name: str, name of the model.
        settings: dict of the method's own arguments by name.
        fresh_copy: bool, whether the further networks get new random weights
            in any case; see `nk.networks.copied`.

    Raises:
        ConfigurationError: arguments that do not fit each other.

    Example:
        >>> class BrierScore(nk.NoisyLabelModel):
        ...     loss_names = ("squared_error",)
        ...
        ...     def steps(self):
        ...         return {"train": self.train}
        ...
        ...     def train(self, data):
        ...         def terms(logits):
        ...             error = tf.nn.softmax(logits) - data["target"]
        ...             error = tf.reduce_sum(error**2, axis=1)
        ...             return {"squared_error": tf.reduce_mean(error)}
        ...
        ...         self.descend_on(data, terms)
        >>> source = nk.data.load("digits", noise=nk.data.SymmetricNoise(0.2))
        >>> model = BrierScore("tiny", source)
        >>> model.compile()
        >>> history = model.fit(source, epochs=10, verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'loss', 'squared_error']
    """

    #: Names of the terms of the loss, which training reports beside `loss`.
    loss_names = ()
    #: Batch size of `fit` where none is given.
    default_batch_size = 64
    #: Number of networks that the method trains; None: as many as given.
    network_count = None
    #: View of the default plan: a name of `nk.data.VIEWS`, a Keras layer, or a
    #: function of images and a seed.
    view = "weak"
    #: How the given labels are judged, an `AuditStrategy`.
    audit_strategy = strategies.LastPredictions()
    #: Why weights of samples or classes cannot be honoured; "" where the steps
    #: multiply the loss of each sample by `weight` of the batch.
    refuses_sample_weight = "has a step that does not use them"
    #: Whether it maps images to class probabilities.
    predicts_classes = True
    #: Whether it trains on pictures alone, and not on vectors of features.
    needs_pixels = False

    def __init__(
        self,
        networks,
        num_samples,
        plugins=(),
        name=None,
        settings=None,
        fresh_copy=None,
    ):
        # Networks choose their own precision; losses and tables never do.
        super().__init__(name=name, dtype="float32")
        source = num_samples if inputs.is_source(num_samples) else None
        if source is not None:
            num_samples = source.num_samples
        elif not _is_count(num_samples):
            raise ConfigurationError(
                "Expected a `Source`, or a number of at least one sample. "
                f"Received: num_samples={num_samples!r}"
            )
        networks = as_networks(networks, self.network_count, source, fresh_copy)
        head.check_together(networks)
        self.networks = networks
        self.num_samples = int(num_samples)
        self.plugins = list(plugins)
        vectors.check_pixels(
            type(self).__name__, networks, self.plugins, self.needs_pixels
        )
        for plugin in self.plugins:
            plugin.attach(self.networks)
            plugin.built = True
        names = (*self.loss_names, *(p.loss_name for p in self.plugins))
        if len({"loss", *names}) <= len(names):
            raise ConfigurationError(
                "Expected plug-ins whose `loss_name`s differ from each other "
                f"and from the method's. Received: {names}"
            )
        self._means = {n: keras.metrics.Mean(name=n) for n in ("loss", *names)}
        self.settings = dict(settings or {})
        for key, value in self.settings.items():
            setattr(self, key, value)
        # What `fit` has seen of its source: `inputs.Pictures`.
        self.pictures = None
        # Batch size of the round in training.
        self.batch_size = None
        # Number of the run's epoch that is the model's epoch 0.
        self.first_epoch = 0
        # Number of epochs that `fit` was called for, from the first of them.
        self.planned_epochs = None
        self._resume_from = None
        self._keep_metrics = False
        # Whether steps train the classifiers alone: see `FreezeBackbone`.
        self.backbone_frozen = False
        # Keras' own way of building a model needs a call.
        self.built = True
        if source is not None:
            inputs.check_source(self, source)
            self.pictures = inputs.pictures_of(source, fitted=False)

    # What a method defines.

    def steps(self):
        """The training steps.

        Returns:
            dict from the names of phases to functions of a batch. A function
            takes the optimizer's step, by `descend_on` or `descend`, and writes
            to the tables. It returns nothing.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement `steps()`."
        )

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        """The epoch plan that `fit` follows on a source.

        Args:
            source: `Source` to train on.
            batch_size: int, number of samples in a step over all replicas, B.
            seed: int, seed of everything random.
            steps_per_epoch: int, upper bound on the steps of a round, or None.

        Returns:
            An `EpochPlan`; a `OneRoundPlan` unless overridden.
        """
        return OneRoundPlan(self, source, batch_size, seed, steps_per_epoch)

    def normalizing_networks(self):
        """Networks whose moving statistics all replicas must agree on.

        Returns:
            A list of networks.
        """
        return list(dict.fromkeys([*self.networks, *self.predictors]))

    def frozen_networks(self):
        """Networks of which steps train the classifier alone at first.

        Returns:
            A list of networks.
        """
        return list(self.networks)

    # What is common to all.

    @property
    def num_classes(self):
        """Number of classes K."""
        return self.networks[0].output["logits"].shape[-1]

    @property
    def predictors(self):
        """The networks whose mean logits predict: those that are trained."""
        return self.networks

    @property
    def image_shape(self):
        """Shape of an image, `(H, W, C)`; of features, `(D,)`."""
        return tuple(self.networks[0].input_shape[1:])

    def call(self, images, training=False):
        """Class probabilities: float32 `[B, K]`."""
        return tf.nn.softmax(self.logits(images, training=training))

    def logits(self, images, training=False):
        """Mean logits of the networks that predict.

        Args:
            images: `[B, H, W, C]`.
            training: bool, whether networks are in training mode.

        Returns:
            float32 `[B, K]`.
        """
        images = tf.cast(images, tf.float32)
        logits = [
            n(images, training=training)["logits"] for n in self.predictors
        ]
        return tf.add_n(logits) / float(len(logits))

    def compile(
        self,
        optimizer=None,
        loss=None,
        metrics=("accuracy",),
        weighted_metrics=None,
        **kw,
    ):
        """Configures the model for training, as `keras.Model.compile`.

        Args:
            optimizer: Keras optimizer; default:
                `MomentumSGD(0.02, 0.9, weight_decay=5e-4)`, as is usual in the
                field.
            loss: must be None: every method has its own.
            metrics: Keras metrics of given labels and predicted probabilities.
                Keras' own metrics of one-hot labels, such as
                `CategoricalAccuracy` and `AUC`, get those; all others get
                integers.
            weighted_metrics: the same, of samples that count by their weights.
            **kw: `run_eagerly`, `steps_per_execution`, `jit_compile`, ...

        Raises:
            ConfigurationError: a loss, a metric that cannot be computed of
                labels and probabilities, or an optimizer that overwrites
                weights.
        """
        if loss is not None:
            raise ConfigurationError(
                f"Expected no `loss`: {type(self).__name__} has its own. "
                f"Received: loss={loss!r}"
            )
        optimizer = optimizers.prepared(optimizer, self.networks)
        with self.distribute_strategy.scope():
            metrics, weighted = (
                metrics_module.prepared(given, self.num_classes)
                for given in (metrics, weighted_metrics)
            )
        super().compile(
            optimizer=optimizer,
            metrics=metrics,
            weighted_metrics=weighted or None,
            **kw,
        )
        self._loss_tracker = None  # Ours is among the means.
        with self.distribute_strategy.scope():
            if self._compile_metrics is not None:
                # Built here, because variables cannot be made in a step.
                self._compile_metrics.build(
                    tf.zeros([1], tf.int32), tf.zeros([1, self.num_classes])
                )
            self.optimizer.build(self.trainable_variables)
        self.synchronize = distribution.synchronizer(
            self.distribute_strategy, self.normalizing_networks()
        )

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Built from the start; Keras' own build fails under several workers.
        pass

    @property
    def metrics(self):
        # `evaluate` returns them in this order, and the loss comes first.
        loss = self._means["loss"]
        return [loss, *(m for m in super().metrics if m is not loss)]

    def reset_metrics(self):
        if not self._keep_metrics:
            super().reset_metrics()

    # Steps.

    def train_step(self, batch):
        [(phase, fields)] = batch.items()
        fields = distribution.statically_shaped(
            fields, self.batch_size, self.distribute_strategy
        )
        freezing = contextlib.nullcontext()
        if self.backbone_frozen:
            freezing = frozen_backbones(self.frozen_networks())
        with freezing:
            self.steps()[phase](fields)
        return distribution.reducible(
            self.get_metrics_result(), self.distribute_strategy
        )

    def test_step(self, batch):
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
        if labels is None or labels.shape[1:].num_elements() not in (None, 1):
            raise ConfigurationError(
                "Expected integer labels [B] of a generator; arrays and "
                "tf.data datasets may have others. Received: "
                f"{None if labels is None else labels.shape}"
            )
        labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
        logits = self.logits(images)
        loss = losses.sparse_cross_entropy(labels, logits)
        self._means["loss"].update_state(loss, sample_weight=weights)
        results = {"loss": self._means["loss"].result()}
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(
                labels, tf.nn.softmax(logits), sample_weight=weights
            )
            results |= self._compile_metrics.result()
        return distribution.reducible(results, self.distribute_strategy)

    def predict_step(self, batch):
        if isinstance(batch, dict) and measuring.PHASE in batch:
            return measuring.step(self, batch[measuring.PHASE])
        images, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
        return self(images, training=False)

    def descend_on(self, data, terms, k=0, clip_norm=None):
        """Takes one optimizer step on the images of a batch.

        Args:
            data: dict, a batch with `images` `[B, H, W, C]` and, for the
                compiled metrics, `label` int `[B]`.
            terms: function of the logits `[B, K]` of these images to the terms
                of the loss, a dict of scalars by name. A scalar is the mean
                over the samples of this replica; the loss is the sum.
            k: int, position of the network in `networks`.
            clip_norm: float, upper bound on the global norm of the gradient, or
                None.

        Returns:
            float32 `[B, K]`, the logits in training mode before the step.
        """
        images = tf.cast(data["images"], tf.float32)
        seen = {}

        def values():
            seen["logits"] = self.networks[k](images, training=True)["logits"]
            return terms(seen["logits"])

        self.descend(
            k,
            values,
            labels=data.get("label"),
            logits=lambda: seen["logits"],
            clip_norm=clip_norm,
            sample_weight=data.get("weight"),
        )
        return seen["logits"]

    def descend(
        self,
        k,
        terms,
        labels=None,
        logits=None,
        clip_norm=None,
        sample_weight=None,
    ):
        """Takes one optimizer step on network `k` and reports its loss.

        `descend_on` is simpler, where the loss is that of a batch's images.

        Args:
            k: int, position of the network in `networks`.
            terms: function without arguments to the terms of the loss, a dict
                of scalars by name. Gradients are recorded while it runs. A
                scalar is the mean over the samples of this replica; the loss is
                the sum.
            labels: int `[B]`, the given labels for the compiled metrics, or
                None.
            logits: `[B, K]`, the predictions for them; or a function without
                arguments to them, called after `terms`.
            clip_norm: float, upper bound on the global norm of the gradient, or
                None.
            sample_weight: float `[B]`, for the compiled `weighted_metrics`, or
                None. It does not change the loss.
        """
        variables = self.trainable_beside(k)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([v.value for v in variables])
            values = terms()
            loss = tf.add_n(list(values.values()))
            # The optimizer sums over replicas; the loss is a mean over the
            # global batch.
            scaled = self.optimizer.scale_loss(
                loss / float(distribution.num_replicas())
            )
        gradients = tape.gradient(scaled, [v.value for v in variables])
        # A decoder has no part in some phases.
        pairs = zip(gradients, variables, strict=True)
        used = [(g, v) for g, v in pairs if g is not None]
        gradients, variables = zip(*used, strict=True)
        if clip_norm is not None:
            # With float16, gradients carry the scale of the loss.
            scale = self.optimizer.scale_loss(tf.ones([]))
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm * scale)
        self.optimizer.apply(gradients, variables)
        for name, value in ({"loss": loss} | values).items():
            self._means[name].update_state(value)
        if labels is not None and self._compile_metrics is not None:
            logits = logits() if callable(logits) else logits
            self._compile_metrics.update_state(
                labels, tf.nn.softmax(logits), sample_weight=sample_weight
            )

    def trainable_beside(self, k):
        """Variables of network `k` and of what plug-ins train with it.

        Args:
            k: int, position of the network in `networks`.

        Returns:
            A list of Keras variables.
        """
        variables = list(self.networks[k].trainable_variables)
        for plugin in self.plugins:
            variables += plugin.trainable_beside(k)
        return variables

    # Tables of the predictions for each sample.

    def keep_history(self, decay=1.0):
        """Makes tables of the predictions for each sample over the epochs.

        Called in a method's constructor, after this class's. They are what
        `CrossEpochHistory` judges labels by.

        Attributes that are set: `prediction_history`, a `PredictionHistory`,
        or above 1 GiB a `LikelyHistory`; and `label_history`, a `LabelHistory`.

        Args:
            decay: float in (0, 1], factor by which each new prediction reduces
                the weight of the earlier ones: 1 weights all equally, 0.9
                averages over about the last ten.
        """
        self.prediction_history = history_of(
            self.num_samples, self.num_classes, decay, name="prediction_history"
        )
        self.label_history = LabelHistory(
            self.num_samples, name="label_history"
        )

    def remember(self, data, predictions):
        """Adds the predictions of a step to the tables of `keep_history`.

        Args:
            data: dict, a batch with `index` and `label`, int `[B]`.
            predictions: float `[B, K]`, probabilities predicted for the samples
                before the step.
        """
        self.prediction_history.add(data["index"], predictions)
        self.label_history.add(data["index"], predictions, data["label"])

    # Training and what follows it.

    def fit(self, x=None, y=None, batch_size=None, epochs=1, **kwargs):
        """Trains the model: see `noisy_keras.core.training.fit`."""
        with data_errors.explained(x, kwargs.get("validation_data")):
            return training.fit(
                self, x, y, batch_size=batch_size, epochs=epochs, **kwargs
            )

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`; `x` may also be a `Source`.

        Loss and metrics refer to the given labels, which may have any form that
        `nk.data.from_arrays` takes but distributions.
        """
        told = contextlib.nullcontext
        weights = kwargs.pop("sample_weight", None)
        if isinstance(x, tf.data.Dataset):
            checked = inputs.checked_dataset(self, x, batch_size)
            x, told, batch_size = checked.dataset, checked.told, None
        elif y is None and isinstance(x, np.ndarray):
            raise ConfigurationError(
                "Expected labels `y` beside images. Received: y=None"
            )
        elif y is not None:
            x = inputs.as_source(self, x, y, weights, soft_allowed=False)
            y = weights = None
        source = x
        if inputs.is_source(x):
            x = inputs.evaluation_batches(self, x, batch_size)
            batch_size = None
        with data_errors.explained(source), told():
            return super().evaluate(
                x, y, batch_size=batch_size, sample_weight=weights, **kwargs
            )

    def train_on_batch(self, *args, **kwargs):
        """Not possible: a plain batch does not tell which samples it holds."""
        raise ConfigurationError(
            "Expected `fit`: tables have a row per sample, and arrays do not "
            f"tell which samples they hold. {type(self).__name__} cannot train "
            "on a plain batch."
        )

    def predict(self, x, batch_size=None, **kwargs):
        """As `keras.Model.predict`, of more than arrays.

        Args:
            x: images `[N, H, W, C]` or features `[N, D]`, as in training; a
                `Source`; a `tf.data.Dataset`; or a list of paths of image files
                and of PIL images, which are decoded as in training. A path
                alone is a list of one.
            batch_size: int, number of samples in a batch; default: 500, or 32
                for arrays.
            **kwargs: as in Keras.

        Returns:
            float32 `[N, K]`, class probabilities.

        Raises:
            ConfigurationError: images of another shape or range than the model
                was built for, or files that cannot be read; `nk.predict_files`
                predicts the others.
        """
        told, pictures = contextlib.nullcontext, None
        if prediction.are_pictures(x):
            x = pictures = prediction.source_of(self, x)
        source = x
        if inputs.is_source(x):
            x = inputs.evaluation_batches(self, x, batch_size)
            batch_size = None
        elif isinstance(x, tf.data.Dataset):
            checked = inputs.checked_dataset(self, x, batch_size)
            x, told, batch_size = checked.dataset, checked.told, None
        elif tf.is_tensor(x) or isinstance(x, (np.ndarray, list)):
            x = inputs.checked_images(self, x)
        with data_errors.explained(source), told():
            found = super().predict(x, batch_size=batch_size, **kwargs)
        if pictures is not None:
            prediction.check_read(pictures)
        return found

    def check_source(self, source):
        """Raises unless the model was built for a source, and fitted on it.

        Args:
            source: `Source`, to be trained on or audited.

        Raises:
            ConfigurationError: other classes, images, or samples.
        """
        inputs.check_fitted(self, source)

    def label_audit(self, source, batch_size=None, held_out=None):
        """Finds which given labels are likely wrong.

        Args:
            source: what the model was fitted on: the `Source`, the
                `tf.data.Dataset`, or a pair of arrays (images, labels).
            batch_size: int, number of samples in a batch of the prediction
                pass; default: 500.
            held_out: `Source` of samples that were held out of training, or
                None. They are judged by what the model predicts for them, and
                follow the others; `split` tells which are which.

        Returns:
            A `LabelAudit`.

        Raises:
            ConfigurationError: a source that does not fit the model, or that
                has other samples than it was fitted on.

        Example:
            >>> noise = nk.data.SymmetricNoise(0.4)
            >>> source = nk.data.load("digits", noise=noise)
            >>> train, validation = source.hold_out(0.1)
            >>> model = nk.CrossEntropy("tiny", train)
            >>> model.compile()
            >>> history = model.fit(train, epochs=2, verbose=0)
            >>> audit = model.label_audit(train, held_out=validation)
            >>> len(audit) == len(source)
            True
        """
        source = inputs.as_training_source(self, source)
        self.check_source(source)
        with data_errors.explained(source, held_out):
            return audits.label_audit(self, source, batch_size, held_out)

    def estimate_clean_probability(self, source, measurement=None):
        """The probability that each given label is right.

        Args:
            source: what the model was fitted on, as of `label_audit`.
            measurement: `Measurement`, as of the model's `audit_strategy`, of
                which a label audit makes use where the tables do not suffice.
                None asks for what the tables know, without a pass over the
                samples.

        Returns:
            float32 `[N]` in `[0, 1]`, 1 being right. Without a measurement,
            None where the tables do not suffice.

        Example:
            >>> source = nk.data.load("digits")
            >>> model = nk.JointOptim("tiny", source)
            >>> model.estimate_clean_probability(source) is None
            True
            >>> model.compile()
            >>> history = model.fit(source, epochs=2, verbose=0)
            >>> clean = model.estimate_clean_probability(source)
            >>> len(clean) == len(source)
            True
        """
        source = inputs.as_training_source(self, source)
        return audits.clean_probability(self, source, measurement)

    # Saving.

    def export(self, filepath, format="tf_saved_model", **options):
        """Exports the networks that predict, for serving.

        Arguments and result are those of `noisy_keras.serving.export`.
        """
        return serving.export(self, filepath, format=format, **options)

    def get_config(self):
        """The arguments of the constructor, and what `fit` has seen.

        A method need not override it: its `settings` are part of it.
        """
        serialize = keras.saving.serialize_keras_object
        config = {
            "networks": [serialize(n) for n in self.networks],
            "num_samples": self.num_samples,
            "pictures": self.pictures and list(self.pictures),
        }
        if _accepts(type(self), "name"):
            config["name"] = self.name
        if _accepts(type(self), "plugins"):
            config["plugins"] = [serialize(p) for p in self.plugins]
        return {**config, **serialization.settings(self.settings)}

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        config = dict(config)
        seen = config.pop("pictures", None)
        for key in {"networks", "plugins"} & set(config):
            config[key] = [deserialize(item) for item in config[key]]
        # A constructor may have other names for the first two arguments.
        first = [
            config.pop(key)
            for key in ("networks", "num_samples")
            if key in config and not _accepts(cls, key)
        ]
        model = cls(*first, **serialization.restored(config))
        model.pictures = seen and inputs.Pictures(*seen)
        return model


def _is_count(value):
    try:
        return int(value) == value and value >= 1
    except (TypeError, ValueError, OverflowError):
        return False


def _accepts(cls, name):
    """Whether a constructor takes an argument of some name."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return any(
        p.name == name or p.kind is inspect.Parameter.VAR_KEYWORD
        for p in parameters
    )
