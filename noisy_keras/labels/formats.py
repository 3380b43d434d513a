"""Label audits in the formats of other tools: cleanlab, FiftyOne, Label Studio.

All functions take rows as `LabelAudit.rows` yields them and as its CSV file
holds them: dicts of strings.
"""

import os
import urllib.parse
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from xml.etree import ElementTree

from noisy_keras.labels.audit import FOREIGN
from noisy_keras.labels.audit import NOT_WRONG
from noisy_keras.labels.audit import SPLITS
from noisy_keras.utils import names

#: Formats that an audit can be written in.
FORMATS = ("csv", "cleanlab", "fiftyone", "label_studio")

#: A choice in Label Studio, which `read_audit` takes for leaving a sample out.
NO_CLASS = "out_of_distribution"

_CONTROL, _PICTURE = "label", "image"


def cleanlab(
    rows: Iterable[Mapping[str, str]], class_names: Sequence[str]
) -> list[dict]:
    """The columns of cleanlab's `CleanLearning.get_label_issues()`.

    Read them by `pandas.read_csv`. As `label_issues` of `CleanLearning.fit`
    they must have the samples in the order of the data: those in training come
    first, and `split` tells them from held-out ones.

    Args:
        rows: rows of an audit.
        class_names: K strings.

    Returns:
        A list of dicts: `is_label_issue` (bool), `label_quality` (the clean
        probability, as a string), `given_label` and `predicted_label` (class
        numbers), `id`, and `split` where the rows have one.
    """
    number = {name: c for c, name in enumerate(class_names)}
    return [
        {
            "is_label_issue": row["verdict"] not in NOT_WRONG,
            "label_quality": row["clean_probability"],
            "given_label": number[row["given_label"]],
            "predicted_label": number[row["suggested_label"]],
            "id": row["id"],
            **({"split": row["split"]} if "split" in row else {}),
        }
        for row in rows
    ]


def fiftyone(
    rows: Iterable[Mapping[str, str]],
    files: Mapping[str, str],
    class_names: Sequence[str],
) -> tuple[dict, dict]:
    """What FiftyOne reads from a folder as `fiftyone.types.FiftyOneDataset`.

    `ground_truth` has the given labels and `predictions` the suggested ones;
    `mistakenness` is the probability that a label is wrong, by which samples
    can be sorted as by that of FiftyOne's own `compute_mistakenness`.

    Args:
        rows: rows of an audit.
        files: dict from id, or from split and id, to the path of its image,
            absolute or relative to the folder; samples without one are left
            out.
        class_names: K strings.

    Returns:
        The contents of `metadata.json` and `samples.json`, two dicts.
    """
    samples = [
        {
            "filepath": path,
            "tags": [row["verdict"]],
            "ground_truth": _classification(row["given_label"]),
            "predictions": _classification(
                row["suggested_label"], float(row["confidence"])
            ),
            "mistakenness": 1.0 - float(row["clean_probability"]),
            "source_id": row["id"],
            "verdict": row["verdict"],
            **_optional_fields(row),
        }
        for row in rows
        if (path := _file_of(row, files)) is not None
    ]
    classes = [*class_names, NO_CLASS]
    metadata = {
        "media_type": "image",
        "default_classes": classes,
        # Where its importer of files without a version looks for them.
        "info": {"default_classes": classes},
    }
    return metadata, {"samples": samples}


def _classification(label, confidence=None):
    sure = {} if confidence is None else {"confidence": confidence}
    return {"_cls": "Classification", "label": label, **sure}


def _optional_fields(row):
    found = {}
    if row.get("true_label"):
        foreign = row["true_label"] == FOREIGN
        found["true_label"] = _classification(
            NO_CLASS if foreign else row["true_label"]
        )
    if row.get("given_share"):
        found["given_share"] = float(row["given_share"])
    if row.get("split"):
        found["split"] = row["split"]
    return found


def _file_of(row, files):
    """The path of a row's image, or None."""
    found = files.get((row.get("split") or SPLITS[0], row["id"]))
    return found or files.get(row["id"])


def label_studio(
    rows: Iterable[Mapping[str, str]], files: Mapping[str, str]
) -> list[dict]:
    """Tasks with predictions, in Label Studio's JSON format.

    Images are served by Label Studio's local file storage, from below its
    `LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT`: see `local_files`.

    Args:
        rows: rows of an audit.
        files: dict from id, or from split and id, to the path of its image
            below that root; samples without one are left out.

    Returns:
        A list of tasks. The score of a prediction is its confidence.
    """
    return [
        {
            "data": {
                _PICTURE: "/data/local-files/?d="
                # Names of files need not be text.
                + urllib.parse.quote(os.fsencode(path)),
                "sample_id": row["id"],
                **({"split": row["split"]} if row.get("split") else {}),
                "given_label": row["given_label"],
                "suggested_label": row["suggested_label"],
                "clean_probability": float(row["clean_probability"]),
                "verdict": row["verdict"],
            },
            "predictions": [
                {
                    "model_version": "noisy_keras label audit",
                    "score": float(row["confidence"]),
                    "result": [
                        {
                            "from_name": _CONTROL,
                            "to_name": _PICTURE,
                            "type": "choices",
                            "value": {"choices": [row["suggested_label"]]},
                        }
                    ],
                }
            ],
        }
        for row in rows
        if (path := _file_of(row, files)) is not None
    ]


def local_files(
    folder: str, files: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Where Label Studio's local file storage serves the files of a folder.

    A project needs a storage for them, and Label Studio refuses one whose path
    is the document root itself. Therefore the root is the parent.

    Args:
        folder: str, path of the folder; it is the path of the storage.
        files: dict from id to the path of its image below the folder.

    Returns:
        The document root, and a dict from id to the path below that.
    """
    root, name = os.path.split(os.path.abspath(folder))
    below = {k: os.path.join(name, path) for k, path in files.items()}
    return root, {k: v.replace(os.sep, "/") for k, v in below.items()}


def label_studio_config(class_names: Sequence[str]) -> str:
    """The labelling interface of those tasks, as Label Studio's XML.

    Args:
        class_names: K strings.
    """
    view = ElementTree.Element("View")
    ElementTree.SubElement(
        view, "Header", value="Given: $given_label ($verdict)"
    )
    ElementTree.SubElement(
        view, "Image", name=_PICTURE, value=f"${_PICTURE}", zoom="true"
    )
    choices = ElementTree.SubElement(
        view, "Choices", name=_CONTROL, toName=_PICTURE, choice="single"
    )
    for name in (*class_names, NO_CLASS):
        ElementTree.SubElement(choices, "Choice", value=names.xml(name))
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
