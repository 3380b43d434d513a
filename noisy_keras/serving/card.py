"""The model card that lies beside every export."""

import os

_CARD = """\
# {name}

An image classifier that was trained on noisy labels with noisy_keras
{version}, exported {created} as `{format}`.

## What it does

{classes} classes: {names}.

{inputs}

{networks}

## What it was trained on

{data}

The licence of the pictures and labels is not known to the exporter: it is
that of the data set.

## How well it does

{accuracy}

Calibration: {calibration}

## Limits

- Every picture is given one of the {classes} classes, whatever it shows:
  low confidence is the only sign of a picture that belongs to none.
- Pictures are brought to {height} x {width} pixels, the middle of them; what
  is smaller than that, or at the margin, is not seen.
- Labels of validation data are as noisy as the rest, unless said otherwise
  above: accuracy and confidence are measured against them.
- Files whose end is missing are refused. Damage inside of them that leaves
  their structure whole cannot be noticed.

## How it was checked

{proof}
"""

_SERVED = """\
JPEG and PNG files of any size, grey, coloured or transparent, as
`image_bytes`; decoding, resizing and scaling are in the graph. Other
signatures: `predict_images` (uint8), `predict_float_images`, `classify`
(`tf.Example`) and `embed`. The graph needs no Python code to load."""

_PLAIN = """\
Float images [B, {height}, {width}, {channels}], white is {white:g}, to
`probabilities` [B, {classes}], whose order is that of class_names.txt."""

#: Most class names that are told.
_MOST_NAMES = 20


def write(folder, content, facts):
    """Writes `README.md`.

    Args:
        folder: of the version.
        content: of the metadata.
        facts: dict; `method`, `dataset`, `noise`, `samples` and `accuracy`
            are told, where they are there.
    """
    names = content["class_names"]
    told = ", ".join(names[:_MOST_NAMES])
    if len(names) > _MOST_NAMES:
        told += ", ... (all in class_names.txt)"
    height, width, channels = content["image_shape"]
    shape = {"height": height, "width": width, "classes": len(names)}
    inputs = _SERVED
    if content["format"] != "tf_saved_model":
        white = content["pixel_scale"]
        inputs = _PLAIN.format(**shape, channels=channels, white=white)
    text = _CARD.format(
        name=content["name"],
        version=content["versions"]["noisy_keras"],
        created=content["created"][:10],
        format=content["format"],
        names=told,
        inputs=inputs,
        networks=_networks(content["networks"]),
        data=_data(facts),
        accuracy=facts.get("accuracy") or "Not known to the exporter.",
        calibration=_calibration(content["calibration"]),
        proof=_proof(content["proof"]),
        **shape,
    )
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as s:
        s.write(text)


def _networks(names):
    if len(names) == 1:
        return f"One network answers ({names[0]})."
    return (
        f"{len(names)} networks answer together ({', '.join(names)}): the "
        "softmax of their mean logits."
    )


def _data(facts):
    known = {
        "Method": facts.get("method"),
        "Data": facts.get("dataset"),
        "Samples": facts.get("samples"),
        "Noise": facts.get("noise"),
    }
    lines = [f"- {key}: {value}" for key, value in known.items() if value]
    return "\n".join(lines) or "Not known to the exporter."


def _calibration(found):
    if found["before"] is None:
        return f"none, because {found['skipped']}."
    before, after = found["before"], found["after"]
    told = (
        f"expected calibration error {before['ece']:.4f}, negative log "
        f"likelihood {before['nll']:.4f} on {found['samples']} validation "
        "samples"
    )
    if after is None:
        return f"{told}; left as it is, because {found['skipped']}."
    return (
        f"{told} before, and {after['ece']:.4f} and {after['nll']:.4f} with "
        f"the temperature {found['temperature']:.4f} that is in the graph "
        "(each half measured with the temperature of the other)."
    )


def _proof(found):
    if found is None:
        return "It was not."
    told = (
        "Its probabilities differ from the trained model's by at most "
        f"{found['largest_difference']:.1e}"
    )
    if "runtime" in found:
        return f"{told}, in {found['runtime']}."
    return (
        f"{told}, loaded in a process without noisy_keras, where "
        f"{found['warmup_replayed']} warm-up requests were answered."
    )
