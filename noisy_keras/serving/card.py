"""Writes the model card of an export."""

import os

from noisy_keras.utils.names import markdown

_CARD = """\
# {name}

{kind} classifier that was trained on noisy labels with noisy_keras
{version}, exported on {created} as `{format}`.

## Model

{classes} classes: {names}.

{inputs}

{networks}

## Training data

{data}

The licence of the {samples} and labels is that of the data set, which is not
recorded here.

## Performance

{accuracy}

Calibration: {calibration}

## Limitations

{limitations}

## Verification

{proof}
"""

_OF_IMAGES = """\
- Every image is assigned to one of the {classes} classes. Low confidence is
  the only indication of an image that belongs to none of them.
- Images are resized and cropped to their central {height} x {width} pixels.
  Finer details and the margins are lost.
- Labels of validation data are as noisy as those of training data unless
  stated otherwise above. Accuracy and confidence are measured against them.
- Files that are not whole are rejected, as in training. Damage that leaves the
  structure of a file intact is not detected. Of images that are more than 16
  times as long as they are wide, only the middle is seen."""

_OF_VECTORS = """\
- Every vector is assigned to one of the {classes} classes. Low confidence is
  the only indication of a sample that belongs to none of them.
- Features must come from the same encoder, or the same columns, as those in
  training, in the same order and units. NaN and infinity are rejected.
- Labels of validation data are as noisy as those of training data unless
  stated otherwise above. Accuracy and confidence are measured against them."""

_SERVED_VECTORS = """\
Input: `features`, float32 [B, {columns}]. Standardisation is part of the graph.
Other signatures: `classify` (`tf.Example` with the float list `features`) and
`embed`. The graph loads without any Python code."""

_PLAIN_VECTORS = """\
Input: float features [B, {columns}]. Output: `probabilities` [B, {classes}] in
the order of class_names.txt."""

_SERVED = """\
Input: JPEG and PNG files of any size, greyscale, coloured or transparent, as
`image_bytes`. Decoding, resizing and scaling are part of the graph. Other
signatures: `predict_images` (uint8), `predict_float_images`, `classify`
(`tf.Example`) and `embed`. The graph loads without any Python code."""

_PLAIN = """\
Input: float images [B, {height}, {width}, {channels}], a white pixel being
{white:g}. Output: `probabilities` [B, {classes}] in the order of
class_names.txt."""

#: Largest number of class names in the text.
_MAX_NAMES = 20


def write(folder, content, facts):
    """Writes the model card, `README.md`.

    Args:
        folder: str, folder of the exported version.
        content: dict, the content of the metadata file.
        facts: dict of str, from which `method`, `dataset`, `noise`, `samples`
            and `accuracy` are used if present.
    """
    names = content["class_names"]
    listed = ", ".join(map(markdown, names[:_MAX_NAMES]))
    if len(names) > _MAX_NAMES:
        listed += ", ... (all in class_names.txt)"
    served = content["format"] == "tf_saved_model"
    if len(content["image_shape"]) == 1:
        shape = {"classes": len(names), "columns": content["image_shape"][0]}
        kind, samples, limitations = "A", "features", _OF_VECTORS
        inputs = _SERVED_VECTORS if served else _PLAIN_VECTORS
    else:
        height, width, channels = content["image_shape"]
        shape = {
            "classes": len(names),
            "height": height,
            "width": width,
            "channels": channels,
            "white": content.get("pixel_scale", 255.0),
        }
        kind, samples, limitations = "An image", "images", _OF_IMAGES
        inputs = _SERVED if served else _PLAIN
    text = _CARD.format(
        name=markdown(content["name"]),
        version=content["versions"]["noisy_keras"],
        created=content["created"][:10],
        format=content["format"],
        names=listed,
        kind=kind,
        samples=samples,
        classes=len(names),
        limitations=limitations.format(**shape),
        inputs=inputs.format(**shape),
        networks=_networks(list(map(markdown, content["networks"]))),
        data=_data(facts),
        accuracy=facts.get("accuracy") or "Unknown.",
        calibration=_calibration(content["calibration"]),
        proof=_proof(content["proof"]),
    )
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as s:
        s.write(text)


def _networks(names):
    if len(names) == 1:
        return f"A single network ({names[0]})."
    return (
        f"An ensemble of {len(names)} networks ({', '.join(names)}): the "
        "softmax of their mean logits."
    )


def _data(facts):
    known = {
        "Method": facts.get("method"),
        "Data": facts.get("dataset"),
        "Samples": facts.get("samples"),
        "Noise": facts.get("noise"),
    }
    lines = [
        f"- {key}: {markdown(value)}" for key, value in known.items() if value
    ]
    return "\n".join(lines) or "Unknown."


def _calibration(found):
    if found["before"] is None:
        return f"none, because {found['skipped']}."
    before, after = found["before"], found["after"]
    noise = ""
    if found.get("noise_corrected"):
        noise = " (corrected for the noise of their labels)"
    text = (
        f"expected calibration error {before['ece']:.4f}, negative log "
        f"likelihood {before['nll']:.4f} on {found['samples']} validation "
        f"samples{noise}"
    )
    if after is None:
        return f"{text}; not scaled, because {found['skipped']}."
    return (
        f"{text} before temperature scaling, {after['ece']:.4f} and "
        f"{after['nll']:.4f} after it. The graph has the temperature "
        f"{found['temperature']:.4f}; each fifth of the samples was "
        "measured with the temperature fitted on the others."
    )


def _proof(found):
    if found is None:
        return "None."
    text = (
        "Probabilities differ from those of the trained model by at most "
        f"{found['largest_difference']:.1e}"
    )
    if "runtime" in found:
        return f"{text}, in {found['runtime']}."
    return (
        f"{text}, in a process without noisy_keras that also answered "
        f"{found['warmup_replayed']} warm-up requests."
    )
