"""The flags that all methods share, and those that several build on.

Defaults are None where a preset decides: a flag left out takes what the papers
published for that method, data set, noise and rate.
"""

from absl import flags

from trainers.flags import BALANCED
from trainers.flags import SAMPLED
from trainers.flags import data

#: Names of views of a picture.
VIEWS = (
    "none",
    "weak",
    "slight",
    "autoaugment",
    "autoaugment_cutout",
    "slight_autoaugment_cutout",
    "randaugment",
    "jitter",
    "simclr",
    "photograph",
    "photograph_randaugment",
)
#: Flags that are arguments of DivideMix.
DIVIDEMIX = (
    "warmup_epochs",
    "unlabeled_weight",
    "clean_threshold",
    "loss_history",
    "warmup_penalty",
    "train_view",
    "division",
)

# Methods that train no classifier, and have optimizers of their own.
_CONTRASTIVE = ("moco", "simclr")
_DISTRIBUTE = ("auto", "none", "mirrored", "multi_worker", "tpu")


class _WarmupParser(flags.ArgumentParser):
    """`auto`, or a number of epochs."""

    def parse(self, argument):
        if argument is None or argument == "auto":
            return argument
        try:
            epochs = int(argument)
        except ValueError:
            epochs = -1
        if epochs < 0:
            raise ValueError(
                f"expected auto or a number of epochs; got {argument!r}"
            )
        return epochs

    def flag_type(self):
        return "integer or auto"


class _SwitchParser(flags.ArgumentParser):
    """`--name`, `--noname` or `--name=value` with some named values."""

    def __init__(self, values):
        super().__init__()
        self.values = values
        self.syntactic_help = "|".join(
            dict.fromkeys(str(v) for v in values.values())
        )

    def parse(self, argument):
        value = self.values.get(str(argument).lower())
        if value is None:
            raise ValueError(
                f"expected one of {', '.join(sorted(self.values))}; "
                f"got {argument!r}"
            )
        return value

    def flag_type(self):
        return "string"


def define_common(method):
    """Defines the flags that all methods share.

    Args:
        method: str, name of the method, for the help texts.
    """
    data.define()
    _define_imbalance()
    flags.DEFINE_string(
        "network",
        None,
        "Name of the network; or keras:NAME, keras_hub:PRESET, "
        "keras_cv:PRESET, FILE.keras or saved_model:DIR.",
    )
    flags.DEFINE_string(
        "weights",
        None,
        "What the network starts from: imagenet, none or a FILE.weights.h5; "
        "default: random weights, or those that keras:NAME and so on bring.",
    )
    flags.DEFINE_integer(
        "width", None, "Channels of the network's first stage.", lower_bound=1
    )
    flags.DEFINE_integer("epochs", None, "Number of epochs.", lower_bound=1)
    flags.DEFINE_integer(
        "steps_per_epoch",
        None,
        "Most steps of a network in an epoch.",
        lower_bound=1,
    )
    flags.DEFINE_integer("batch_size", None, "Batch size.", lower_bound=1)
    flags.DEFINE_float("learning_rate", None, "Initial learning rate.")
    flags.DEFINE_list(
        "learning_rate_drops",
        None,
        "Epoch indices, from 0, at which the rate is divided by 10.",
    )
    flags.DEFINE_float(
        "weight_decay", None, "Weight decay; of SGD, added to the gradients."
    )
    if method not in _CONTRASTIVE:
        _define_fine_tuning()
    flags.DEFINE_integer("seed", 0, "Seed of everything but the noise.")
    flags.DEFINE_string(
        "output_dir",
        None,
        f"Folder of the run; default: runs/{method}-<dataset>-<time>.",
    )
    flags.DEFINE_string(
        "config",
        None,
        "The config.json of an earlier run of this command: its settings, for "
        "a new run. Flags that are given besides replace what they stand for.",
    )
    flags.DEFINE_bool(
        "resume", True, "Go on with the run in --output_dir, if there is one."
    )
    flags.DEFINE_enum(
        "distribute", "auto", _DISTRIBUTE, "Distribution strategy."
    )
    _define_switch(
        "mixed_precision",
        "off",
        "Compute in 16 bits: bfloat16 (same as --mixed_precision) or float16.",
        {
            "false": "off",
            "off": "off",
            "float32": "off",
            "true": "bfloat16",
            "bfloat16": "bfloat16",
            "mixed_bfloat16": "bfloat16",
            "float16": "float16",
            "mixed_float16": "float16",
        },
    )
    _define_switch(
        "jit_compile",
        "auto",
        "Compile steps with XLA; auto: on accelerators.",
        {"auto": "auto", "true": "true", "false": "false"},
    )
    flags.DEFINE_string(
        "preset",
        "recommended",
        "Settings for flags left out: recommended, or official for the "
        "released code's choices.",
    )
    _define_switch(
        "export",
        True,
        "Whether to export the trained model for TensorFlow Serving, to "
        "export/1/ in the run, and to check it in a process of its own. What "
        "is exported is model.keras; last or best: the last epoch, or the best "
        "by validation (best.keras).",
        {"true": True, "false": False, "last": "last", "best": "best"},
    )
    flags.DEFINE_list(
        "loggers",
        ["tensorboard"],
        "Some of tensorboard, csv, mlflow and wandb, which get the metrics of "
        "every epoch beside metrics.jsonl; or none.",
    )
    flags.DEFINE_integer(
        "picture_every",
        None,
        "Epochs between pictures; default: pictures at the end alone.",
        lower_bound=1,
    )


def _define_switch(name, default, text, values):
    parser = _SwitchParser(values)
    flag = flags.Flag(parser, flags.ArgumentSerializer(), name, default, text)
    flag.boolean = True  # So that --name and --noname need no value.
    flags.DEFINE_flag(flag)


def define_view():
    """Defines the flag of the view that a method trains on."""
    flags.DEFINE_enum("view", None, VIEWS, "View to train on.")


def define_dividemix():
    """Defines the flags of `DIVIDEMIX`."""
    flags.DEFINE(
        _WarmupParser(),
        "warmup_epochs",
        None,
        "Epochs of plain training before the first division; auto: as many as "
        "the evidence asks for.",
        flags.FLAGS,
        flags.ArgumentSerializer(),
    )
    flags.DEFINE_float(
        "unlabeled_weight",
        None,
        "Weight of the loss on pseudo-labels: lambda_u.",
        lower_bound=0.0,
    )
    flags.DEFINE_float(
        "clean_threshold",
        None,
        "Samples of higher clean probability count as labelled.",
    )
    flags.DEFINE_integer(
        "loss_history",
        None,
        "Divisions whose losses are averaged.",
        lower_bound=1,
    )
    flags.DEFINE_bool(
        "warmup_penalty",
        None,
        "Whether to penalise confidence in the warm-up, as for asymmetric "
        "noise.",
    )
    flags.DEFINE_enum(
        "train_view",
        None,
        VIEWS,
        "View to train on, when not the one that pseudo-labels are made from; "
        "autoaugment makes DivideMix AugDesc.",
    )
    flags.DEFINE_enum(
        "division",
        None,
        [
            "auto",
            "loss",
            "global",
            "per_class",
            "agreement",
            "both",
        ],
        "What samples are divided by. loss, the same as auto: their losses, "
        "all together (global), or those of each given class on their own "
        "(per_class) where class sizes differ by more than a factor of 10; "
        "agreement: whether neighbours have the same label; both.",
    )


def dividemix(values):
    """The arguments of DivideMix from the flags' values: dict."""
    return {name: values[name] for name in DIVIDEMIX}


def _define_fine_tuning():
    """Defines the flags for networks that were trained before."""
    flags.DEFINE_enum(
        "optimizer",
        None,
        ["sgd", "adamw"],
        "Optimizer: sgd with momentum, or adamw, whose default learning rate "
        "is 0.001 and weight decay 0.05.",
    )
    flags.DEFINE_integer(
        "freeze_epochs",
        None,
        "First epochs in which the classifier alone is trained, on a "
        "pretrained network.",
        lower_bound=0,
    )
    flags.DEFINE_float(
        "backbone_rate",
        None,
        "What the learning rate is multiplied by for all layers but the "
        "classifier, such as 0.1.",
    )
    flags.DEFINE_float(
        "layer_decay",
        None,
        "What it is multiplied by once more for each block between a layer "
        "and the classifier, such as 0.75 for vision transformers.",
    )
    flags.DEFINE_string(
        "frozen_backbone",
        None,
        "A pretrained network that is not trained: its features of each image "
        "are made once, and --network, by default mlp, is trained on them. "
        "efficientnet_lite0, keras:NAME, keras_hub:PRESET, keras_cv:PRESET, "
        "FILE.keras or saved_model:DIR.",
    )


def _define_imbalance():
    """Defines the flags for classes of different sizes."""
    flags.DEFINE_string(
        "class_weight",
        None,
        "Weights of the classes in the loss: balanced, or "
        "CLASS_NUMBER:WEIGHT,... with numbers from 0; classes left out have "
        f"weight 1. Of {', '.join(BALANCED)}.",
    )
    flags.DEFINE_enum(
        "sampling",
        None,
        ["shuffled", "balanced"],
        f"balanced: show each class equally often. Of {', '.join(SAMPLED)}.",
    )
    flags.DEFINE_enum(
        "logit_adjustment",
        None,
        ["loss", "post_hoc"],
        "Adjust logits by the shares of the classes, in the loss or in what is "
        f"predicted. Of {', '.join(BALANCED)}.",
    )
    flags.DEFINE_float(
        "adjustment_strength",
        None,
        "With --logit_adjustment: what the logarithms of the shares are "
        "multiplied by; default: 1.",
        lower_bound=0.0,
    )
