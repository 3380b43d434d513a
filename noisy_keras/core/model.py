"""The Keras model that every method is."""

import keras
import tensorflow as tf

from noisy_keras import optimizers
from noisy_keras.core import inputs
from noisy_keras.core import training
from noisy_keras.core.epoch_plan import OneRoundPlan
from noisy_keras.labels import measuring
from noisy_keras.networks import head
from noisy_keras.ops import losses
from noisy_keras.serving import exporting as serving
from noisy_keras.utils import deprecation
from noisy_keras.utils import distribution
from noisy_keras.utils.errors import ConfigurationError


class NoisyLabelModel(keras.Model):
    """A method for noisy labels, as a Keras model.

    It maps images `[B, H, W, C]` (pixel values as in the picture) to class
    probabilities `[B, K]`. `fit` takes a source, an epoch plan, arrays or a
    plain dataset, and does everything that the method needs.

    A method gives `steps`, its tables and, unless it is one round per epoch
    over all samples, `make_plan`. A batch is `{phase: fields}`; the phase picks
    the step at tracing time, so there is one trace per phase, whatever the
    epochs look like.

    Args:
        networks: list of networks that keep the contract of
            `noisy_keras.networks`.
        num_samples: N, of the source to be trained on.
        plugins: `StepPlugin`s.
    """

    #: Names of the running means that training reports beside `loss`.
    loss_names = ()
    default_batch_size = 64  # Of `fit` where none is given: the paper's.
    view = "weak"  # Of the default plan.
    #: What its label audit rests on, a key of `core.audit.EVIDENCE`.
    evidence = "last_predictions"

    def __init__(self, networks, num_samples, plugins=(), name=None):
        # Networks choose their own precision; losses and tables never do.
        super().__init__(name=name, dtype="float32")
        head.check_together(networks)
        if num_samples < 1:
            raise ConfigurationError(
                "Expected at least one sample. "
                f"Received: num_samples={num_samples}"
            )
        self.networks = list(networks)
        self.num_samples = int(num_samples)
        self.plugins = list(plugins)
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
        self.pictures = None  # What `fit` has seen: `inputs.Pictures`.
        self.batch_size = None  # Of the round in training.
        self.first_epoch = 0  # Of the run; plans count from it.
        self._resume_from = None
        self._keep_metrics = False

    # What a method defines.

    def steps(self):
        """The training step of each phase: dict of functions of fields."""
        raise NotImplementedError  # pragma: no cover

    def make_plan(self, source, batch_size, seed=0, steps_per_epoch=None):
        """The epoch plan that `fit` follows on a source.

        Args:
            source: `Source` to train on.
            batch_size: int, number of samples in a step over all replicas, B.
            seed: int, seed of everything random.
            steps_per_epoch: int, upper bound on the steps of a round, or None.

        Returns:
            An `EpochPlan`; a `OneRoundPlan` in the view `view` unless
            overridden.
        """
        return OneRoundPlan(self, source, batch_size, seed, steps_per_epoch)

    def make_schedule(self, source, batch_size, seed=0, steps_per_epoch=None):
        """Deprecated name of `make_plan`."""
        deprecation.warn("make_schedule", "make_plan")
        return self.make_plan(source, batch_size, seed, steps_per_epoch)

    def clean_probabilities(self, measurement, source):
        """Clean probabilities `[N]` from a fresh measurement, for the audit."""
        raise NotImplementedError  # pragma: no cover

    def known_clean_probability(self, source):
        """What the tables say now, without a pass: float `[N]`, or None."""
        del source
        table = getattr(self, "clean_probability", None)
        return None if table is None else table.numpy().mean(axis=1)

    def suggest(self, measurement):
        """Likely labels `[N]` and their probabilities `[N]`, for the audit."""
        return measurement.suggested, measurement.confidence

    def normalizing_networks(self):
        """Networks whose moving statistics all replicas must agree on."""
        return list(dict.fromkeys([*self.networks, *self.predictors]))

    # What is common.

    @property
    def num_classes(self):
        return self.networks[0].output["logits"].shape[-1]

    @property
    def predictors(self):
        """The networks whose mean is the model's answer: those trained."""
        return self.networks

    @property
    def image_shape(self):
        return tuple(self.networks[0].input_shape[1:])

    def call(self, images, training=False):
        """Class probabilities: float32 `[B, K]`, networks in inference mode."""
        return tf.nn.softmax(self.logits(images, training=training))

    def logits(self, images, training=False):
        """Mean of the networks' logits: float32 `[B, K]`."""
        images = tf.cast(images, tf.float32)
        logits = [
            n(images, training=training)["logits"] for n in self.predictors
        ]
        return tf.add_n(logits) / float(len(logits))

    def compile(self, optimizer=None, loss=None, metrics=("accuracy",), **kw):
        """Configures the model for training, as `keras.Model.compile`.

        Args:
            optimizer: default: `MomentumSGD(0.02, 0.9, weight_decay=5e-4)`,
                the field's.
            loss: leave out; every method has its own.
            metrics: of given labels and predicted probabilities.
            **kw: `run_eagerly`, `steps_per_execution`, `jit_compile`, ...

        Raises:
            ValueError: a loss, or an optimizer that overwrites weights.
        """
        if loss is not None:
            raise ConfigurationError(
                f"Expected no `loss`: {type(self).__name__} has its own. "
                f"Received: loss={loss!r}"
            )
        optimizer = optimizers.prepared(optimizer, self.networks)
        super().compile(optimizer=optimizer, metrics=list(metrics or ()), **kw)
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
        self.steps()[phase](fields)
        return distribution.reducible(
            self.get_metrics_result(), self.distribute_strategy
        )

    def test_step(self, batch):
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(batch)
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

    def descend(self, k, terms, labels=None, logits=None, clip_norm=None):
        """Takes one optimizer step on network `k` and reports its loss.

        Args:
            k: number of the network.
            terms: function without arguments that returns the terms of the
                loss, a dict of scalars by name; their sum is the loss.
            labels: given labels int `[B]`, for the compiled metrics.
            logits: predictions `[B, K]` for them; a function where they come
                to be in `terms`.
            clip_norm: bound on the global norm of the gradient, or None.
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
            # The gradients carry the scale of float16, if there is one.
            scale = self.optimizer.scale_loss(tf.ones([]))
            gradients, _ = tf.clip_by_global_norm(gradients, clip_norm * scale)
        self.optimizer.apply(gradients, variables)
        for name, value in ({"loss": loss} | values).items():
            self._means[name].update_state(value)
        if labels is not None and self._compile_metrics is not None:
            logits = logits() if callable(logits) else logits
            self._compile_metrics.update_state(labels, tf.nn.softmax(logits))

    def trainable_beside(self, k):
        """Variables of network `k` and of what plug-ins train with it."""
        variables = list(self.networks[k].trainable_variables)
        for plugin in self.plugins:
            variables += plugin.trainable_beside(k)
        return variables

    # Training and what comes of it.

    def fit(self, x=None, y=None, batch_size=None, epochs=1, **kwargs):
        """Trains the model: see `noisy_keras.core.training.fit`."""
        return training.fit(
            self, x, y, batch_size=batch_size, epochs=epochs, **kwargs
        )

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`; `x` may also be a source.

        Loss and metrics are of the given labels.
        """
        if y is not None and kwargs.get("sample_weight") is None:
            x, y = inputs.as_source(self, x, y), None
        if inputs.is_source(x):
            x = inputs.evaluation_batches(self, x, batch_size)
            batch_size = None
        return super().evaluate(x, y, batch_size=batch_size, **kwargs)

    def train_on_batch(self, *args, **kwargs):
        """Not possible: a batch alone does not say which samples it holds."""
        raise ConfigurationError(
            "Expected `fit`: what is known of each sample is kept by its "
            f"index, which arrays do not carry. {type(self).__name__} cannot "
            "train on a batch alone."
        )

    def predict(self, x, batch_size=None, **kwargs):
        """As `keras.Model.predict`; `x` may also be a source.

        Returns:
            Class probabilities, float32 `[N, K]`.
        """
        if inputs.is_source(x):
            x = inputs.evaluation_batches(self, x, batch_size)
            batch_size = None
        return super().predict(x, batch_size=batch_size, **kwargs)

    def check_source(self, source):
        """Raises unless the model was built for a source.

        Args:
            source: `Source`, to be trained on or audited.

        Raises:
            ValueError: other classes, images or numbers of samples.
        """
        inputs.check_source(self, source, training=True)

    def label_audit(self, source, batch_size=None):
        """Which labels are wrong, and which are likely right.

        Args:
            source: the `Source` that the model was fitted on.
            batch_size: of the prediction pass.

        Returns:
            A `LabelAudit`.
        """
        self.check_source(source)
        return measuring.audit(self, source, batch_size)

    # Saving.

    def export(self, filepath, format="tf_saved_model", **options):
        """Exports the networks that predict, for serving.

        Arguments and result are those of `noisy_keras.serving.export`.
        """
        return serving.export(self, filepath, format=format, **options)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "networks": [serialize(n) for n in self.networks],
            "num_samples": self.num_samples,
            "plugins": [serialize(p) for p in self.plugins],
            "name": self.name,
            "pictures": self.pictures and list(self.pictures),
        }

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        config = dict(config)
        seen = config.pop("pictures", None)
        for key in {"networks", "plugins"} & set(config):
            config[key] = [deserialize(item) for item in config[key]]
        model = cls(**config)
        model.pictures = seen and inputs.Pictures(*seen)
        return model
