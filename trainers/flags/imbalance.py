"""Values of the flags for classes of different sizes, and who takes them.

Imported only where one of the flags is given.
"""

import json

from trainers import UsageError
from trainers.flags import BALANCED
from trainers.flags import IMBALANCE
from trainers.flags import SAMPLED

#: What keeps classes apart in methods that do not take them.
_OWN_WAY = {
    "dividemix": "its penalty keeps the mean prediction even over the classes, "
    "and --division=per_class divides rare classes on their own",
    "sanm": "its penalty keeps the mean prediction even over the classes, and "
    "--division=per_class divides rare classes on their own",
    "joint_optim": "its prior keeps the mean prediction even over the classes",
    "simclr": "it learns without labels",
    "moco": "it learns without labels",
    "auto": "its second part is chosen by evidence that weights would distort",
}
_WEIGHTED = "it weighs or replaces labels itself"


def arguments(method, values):
    """The arguments of a method from the flags that are given.

    Args:
        method: str, name of the method.
        values: dict of all flags by name; None where left out.

    Returns:
        dict, empty where none is given.

    Raises:
        UsageError: a method that does not take them, or a value out of range.
    """
    given = {n: values[n] for n in IMBALANCE if values.get(n) is not None}
    for name in given:
        methods = SAMPLED if name == "sampling" else BALANCED
        if method not in methods:
            why = _OWN_WAY.get(method, _WEIGHTED)
            raise UsageError(
                f"--{name}: expected none with {method}, because {why}; "
                f"{', '.join(methods)} take it; got {given[name]}"
            )
    if "adjustment_strength" in given and "logit_adjustment" not in given:
        raise UsageError(
            "--adjustment_strength: expected --logit_adjustment beside it"
        )
    if "class_weight" in given:
        given["class_weight"] = weights(given["class_weight"])
    return given


def weights(text):
    """The weights of classes from the value of a flag.

    Args:
        text: str, `balanced`, or pairs such as `0:1,3:2.5`; or the JSON of a
            dict, or a dict, as a `config.json` has it.

    Returns:
        `"balanced"`, or dict from str to float, as JSON has them.

    Raises:
        UsageError: anything else.
    """
    if text == "balanced":
        return text
    try:
        if isinstance(text, str):
            pairs = text.strip()
            if pairs.startswith("{"):
                pairs = json.loads(pairs.replace("'", '"')).items()
            else:
                pairs = [pair.split(":") for pair in pairs.split(",")]
        else:
            pairs = text.items()
        found = {str(int(k)): float(v) for k, v in pairs}
    except (AttributeError, TypeError, ValueError):
        found = {}
    if not found or not all(0.0 <= v < float("inf") for v in found.values()):
        raise UsageError(
            "--class_weight: expected balanced, or CLASS_NUMBER:WEIGHT,... "
            f"such as 0:1,3:2.5, with weights of at least 0; got {text!r}"
        )
    return found
