"""The published and recommended settings of every method, as data.

A file for each method holds its rows: per data set, and per noise and rate
where these decide something. A run takes one row, prints where it is from, and
lets flags replace parts of it. The same from Python:

    from trainers import presets

    row = presets.preset("sanm", "cifar10", "symmetric", 0.8)
    model = row.build(source)
    model.compile(row.optimizer(source.num_samples))
    model.fit(
        source,
        epochs=row.epochs,
        batch_size=row.batch_size,
        steps_per_epoch=row.steps_per_epoch,
        callbacks=[row.learning_rate_callback(source.num_samples)],
    )

`row.command` is the command that trains the same, `row.target` the published
result that it aims at. Nothing here loads TensorFlow before a model or an
optimizer is made.
"""

import dataclasses
import difflib
import importlib
import pkgutil
import shlex

from trainers import UsageError

#: Noise type of data whose labels are noisy as found, at an unknown rate.
ESTIMATED = "estimated"
#: Nominal rates of noise whose rate is not chosen: what weak networks get
#: wrong, and the share of human labels that differ from the published ones (Wei
#: et al., ICLR 2022). They choose settings.
NOMINAL_RATES = {
    "semantic": 0.35,
    "worse": 0.402,
    "aggre": 0.09,
    "random1": 0.172,
    "random2": 0.181,
    "random3": 0.176,
    "noisy_fine": 0.402,
}
#: The names of a method's presets: ours, and the released code's choices.
NAMES = ("recommended", "official")
# What `--dataset` begins with where the data is features.
_FEATURES = "features:"
#: Key of the rows for data sets that have none of their own.
ANY = "pictures"
#: Data sets of photographs, whose rows are the same whether their files are
#: read or TFDS has prepared them.
PHOTOGRAPHS = ("animal10n", "clothing1m", "food101n", "mini_webvision")
# Flags that a type of noise needs beside its rate.
_NEEDED = {
    "confusion": ["--noise_matrix=FILE"],
    "open_set": ["--noise_foreign=DATASET"],
}


@dataclasses.dataclass(frozen=True)
class Preset:
    """The settings of a method for a data set, noise and rate.

    Attributes:
        source: str, where they were published.
        network: str, name of the network.
        epochs: int, number of epochs; of a recipe, those of its last phase.
        learning_rate_drops: tuple of int, epoch indices from 0 at which the
            learning rate is divided by 10.
        batch_size: int, batch size B.
        learning_rate: float, initial learning rate.
        weight_decay: float, coupled weight decay.
        width: int, channels of the network's first stage; None: as published.
        weights: `"imagenet"`, weights that the network starts from; None:
            random ones.
        image_size: int, side of the pictures in pixels; None: the data set's
            own.
        steps_per_epoch: int, the most steps of a network in an epoch, as of
            `fit`; None: as many as the samples take.
        warmup_epochs: int, epochs before the first division; None for methods
            without.
        restart_steps: int, steps of the learning rate's first cosine cycle,
            each next one being longer and lower; None: it drops at
            `learning_rate_drops`.
        rate_warmup_epochs: int, epochs in which the learning rate rises before
            it falls by half a cosine; None: it drops.
        optimizer_name: `"sgd"` or `"lars"`.
        trusted: int, trusted samples per class, for methods that learn with
            a trusted set; None for others.
        epoch_arguments: dict of the method's arguments that are numbers of
            epochs within the run: they scale with the number of epochs.
        arguments: dict of the method's further arguments.
        plugin_arguments: dict of the arguments of its plug-in.
        method: str, name of the method, as `preset` was given it.
        dataset: str, name of the data set.
        name: `"recommended"` or `"official"`.
        command: str, the command that trains with these settings.
        target: str, the published result that they aim at; None: no published
            result.
    """

    source: str
    network: str
    epochs: int
    learning_rate_drops: tuple
    batch_size: int
    learning_rate: float = 0.02
    weight_decay: float = 5e-4
    width: int | None = None
    weights: str | None = None
    image_size: int | None = None
    steps_per_epoch: int | None = None
    warmup_epochs: int | None = None
    restart_steps: int | None = None
    rate_warmup_epochs: int | None = None
    optimizer_name: str = "sgd"
    trusted: int | None = None
    epoch_arguments: dict = dataclasses.field(default_factory=dict)
    arguments: dict = dataclasses.field(default_factory=dict)
    plugin_arguments: dict = dataclasses.field(default_factory=dict)
    method: str = ""
    dataset: str = ""
    name: str = "recommended"
    command: str = ""
    target: str | None = None

    #: Whether `epoch_arguments` are the epochs of phases.
    phased = False

    @property
    def training(self):
        """What decides the training beside the method, as runs keep it: dict.

        These are the keys of `settings.training` in a run's `config.json`.
        """
        return {
            "network": self.network,
            "width": self.width,
            "weights": self.weights,
            "steps_per_epoch": self.steps_per_epoch,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "learning_rate_drops": self.learning_rate_drops,
            "restart_steps": self.restart_steps,
            "rate_warmup_epochs": self.rate_warmup_epochs,
            "optimizer": self.optimizer_name,
            "weight_decay": self.weight_decay,
        }

    def with_epochs(self, epochs):
        """The same settings in another number of epochs.

        Learning-rate drops and the method's own epochs scale with it; the
        warm-ups only shrink.

        Args:
            epochs: int, number of epochs.

        Returns:
            A `Preset`.
        """
        share = epochs / self.epochs
        warmup, rising = self.warmup_epochs, self.rate_warmup_epochs
        if warmup is not None:
            warmup = max(1, round(warmup * min(1.0, share)))
        if rising is not None:
            rising = min(round(rising * min(1.0, share)), epochs - 1)
        return dataclasses.replace(
            self,
            epochs=epochs,
            learning_rate_drops=tuple(
                round(drop * share) for drop in self.learning_rate_drops
            ),
            warmup_epochs=warmup,
            rate_warmup_epochs=rising,
            epoch_arguments=self._scaled(epochs),
        )

    def _scaled(self, epochs):
        share = epochs / self.epochs
        return {
            name: max(1, round(value * share))
            for name, value in self.epoch_arguments.items()
        }

    def method_arguments(self, given=None):
        """All arguments of the method.

        Args:
            given: dict of arguments that replace the row's, or None.

        Returns:
            dict.
        """
        given = given or {}
        found = self.arguments | self.epoch_arguments | given
        if self.warmup_epochs is not None:
            found = {"warmup_epochs": self.warmup_epochs} | found
        return found

    def build(self, source, network=None):
        """Builds the method with the row's network and arguments.

        Args:
            source: `Source` to be trained on.
            network: a Keras network, or as many as the method trains; default:
                the row's, by its name.

        Returns:
            An uncompiled `NoisyLabelModel` or `Recipe`.
        """
        import noisy_keras as nk

        module, _ = _module_of(self.method)
        if network is None:
            network = nk.networks.build(
                self.network,
                source,
                width=self.width,
                weights=self.weights or "auto",
            )
        arguments = self.method_arguments()
        if hasattr(module, "constructor_arguments"):
            arguments = module.constructor_arguments(self, source)
        return getattr(nk, module.CLASS)(network, source, **arguments)

    def optimizer(self, num_samples):
        """The optimizer of the row.

        Args:
            num_samples: int, number of training samples N.

        Returns:
            A Keras optimizer. Its rate follows steps where steps decide it;
            for drops at epochs see `learning_rate_callback`.
        """
        from trainers.presets.shared import learning_rate

        return learning_rate.optimizer(self.training, num_samples)

    def learning_rate_callback(self, num_samples):
        """The callback that sets the learning rate of each epoch.

        Args:
            num_samples: int, number of training samples N.

        Returns:
            A Keras callback; it adds `learning_rate` to the logs.
        """
        from trainers.presets.shared import learning_rate

        return learning_rate.callback(self.training, num_samples)


def preset(
    method, dataset, noise_type=ESTIMATED, noise_rate=None, name="recommended"
):
    """The settings of a method for a data set and its noise.

    Args:
        method: str, name of the method, one of `methods()`; of SANM and of
            recipes maybe with a slash and the method that they end with, such
            as `"sanm/ce"` or `"dmlp/dividemix"`.
        dataset: str, name of the data set, as `--dataset` takes it. Sets
            without a row of their own get one for any pictures.
        noise_type: str, `"none"`, the name of a generator such as
            `"symmetric"`, or `ESTIMATED`.
        noise_rate: float, nominal rate in `[0, 1)`; default: that of
            `NOMINAL_RATES`, 0 for `"none"`.
        name: str, one of `NAMES`.

    Returns:
        A `Preset`.

    Raises:
        UsageError: an unknown method or preset, where the message has the
            nearest names; or no rate.
    """
    if noise_rate is None:
        noise_rate = (NOMINAL_RATES | {"none": 0.0}).get(noise_type)
    if noise_rate is None and noise_type != ESTIMATED:
        raise UsageError(
            f"expected a noise rate in [0, 1) for {noise_type} noise; got None"
        )
    row = dataclasses.replace(
        row_of(method, dataset, noise_type, noise_rate, name),
        method=method,
        dataset=dataset,
        name=name,
    )
    module, host = _module_of(method)
    return dataclasses.replace(
        row,
        command=_command(module, row, noise_type, noise_rate),
        target=_target(module, host, dataset, noise_type, noise_rate),
    )


def row_of(method, dataset, noise_type, noise_rate, name):
    """The row of a method's file; arguments as of `preset`: a `Preset`."""
    module, host = _module_of(method)
    check_name(name)
    if dataset.startswith(_FEATURES):
        # Imported here: other data does not need it.
        from trainers.presets.shared import feature_rows

        row = module.select(ANY, noise_type, noise_rate, name, *host)
        return feature_rows.adapted(row)
    # The pictures of CIFAR-N are those of CIFAR.
    dataset = dataset.removesuffix("_n")
    return module.select(dataset, noise_type, noise_rate, name, *host)


def photographs(dataset):
    """The name of a data set of photographs, whichever way it is read.

    Args:
        dataset: str, as `--dataset` takes it.

    Returns:
        str, one of `PHOTOGRAPHS` where it is one of these, such as
        `"clothing1m"` for `"tfds:clothing1m"`; else `dataset`.
    """
    name = dataset.removeprefix("tfds:")
    name = "mini_webvision" if name == "webvision/mini" else name
    return name if name in PHOTOGRAPHS else dataset


def methods():
    """The names of all methods: a sorted tuple of str."""
    found = pkgutil.iter_modules(__path__)
    return tuple(sorted(m.name for m in found if not m.ispkg))


def check_name(name):
    """Raises unless there is such a preset.

    Args:
        name: str.

    Raises:
        UsageError: there is none.
    """
    if name not in NAMES:
        raise UsageError(_unknown("a preset", name, NAMES))


def _module_of(method):
    """The file of a method, and the host that it is to end with, if any."""
    name, _, host = method.partition("/")
    known = methods()
    if name not in known:
        raise UsageError(_unknown("a method", name, known))
    module = importlib.import_module(f"{__name__}.{name}")
    if not host:
        return module, ()
    hosts = getattr(module, "HOSTS", ())
    if host not in hosts:
        raise UsageError(_unknown(f"a host of {name}", host, hosts))
    return module, (host,)


def _unknown(what, name, known):
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f". Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return (
        f"expected {what}, one of {', '.join(known) or 'none'}; "
        f"got {name!r}{hint}"
    )


def _command(module, row, noise_type, noise_rate):
    """The command that trains with a row; capitals stand for what it needs."""
    name, _, host = row.method.partition("/")
    words = ["python", "-m", f"trainers.{name}", f"--dataset={row.dataset}"]
    if host:
        words.append(f"--host={host}")
    if noise_type != ESTIMATED:
        # A paper's noise may have a name or a convention of its own.
        own = getattr(module, "NOISE_FLAGS", {})
        words += own.get(noise_type, [f"--noise_type={noise_type}"])
        words += _NEEDED.get(noise_type, [])
    if noise_rate and noise_type not in NOMINAL_RATES:
        words.append(f"--noise_rate={noise_rate:g}")
    noisy_as_found = noise_type == ESTIMATED or (
        noise_type == "none" and noise_rate
    )
    if row.trusted is not None and noisy_as_found:
        words.append(f"--trusted={row.trusted}")
    if row.name != NAMES[0]:
        words.append(f"--preset={row.name}")
    return shlex.join(words)


def _target(module, host, dataset, noise_type, noise_rate):
    """The published result for a data set and its noise, or None."""
    targets = module.TARGETS
    if getattr(module, "HOSTS", ()):
        [host] = host or module.HOSTS[:1]
        targets = targets.get(host, {})
    keys = [(dataset, noise_type, noise_rate), (dataset, noise_type)]
    if noise_type in (ESTIMATED, "none"):
        keys.append(dataset)
    keys.append((dataset, "any"))
    return next((targets[key] for key in keys if key in targets), None)
