"""Settings of a run, as a paper or we give them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Preset:
    """Settings of a run.

    Attributes:
        source: where they were published.
        network: name.
        epochs: in all.
        drops: epoch indices at which the learning rate is divided by 10.
        batch_size: B.
        learning_rate: initial.
        weight_decay: coupled.
        width: None is the network's published width.
        image_size: side in pixels; None is the data set's own.
        warmup: epochs before the first division, or None for methods without.
        restarts: steps of the learning rate's first cosine cycle, each next
            one being longer and lower; None drops it at `drops`.
        rate_warmup: epochs in which the learning rate rises, to fall by half a
            cosine then; None drops it at `drops`.
        optimizer: `"sgd"` or `"lars"`.
        trusted: samples per class to be trusted, of methods that learn with
            such a set; None for others.
        counted: arguments of the method that are epochs within the run: with
            `--epochs` they move in proportion.
        host: further arguments of the method.
        plugin: arguments of a plug-in.
    """

    source: str
    network: str
    epochs: int
    drops: tuple
    batch_size: int
    learning_rate: float = 0.02
    weight_decay: float = 5e-4
    width: int | None = None
    image_size: int | None = None
    warmup: int | None = None
    restarts: int | None = None
    rate_warmup: int | None = None
    optimizer: str = "sgd"
    trusted: int | None = None
    counted: dict = dataclasses.field(default_factory=dict)
    host: dict = dataclasses.field(default_factory=dict)
    plugin: dict = dataclasses.field(default_factory=dict)
