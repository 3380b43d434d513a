"""Label audits in notebooks: as a short page, and as a table of pandas."""

import dataclasses
import html
from typing import Any

import numpy as np

# Columns of the page, by their names in an audit's rows, with their titles.
_COLUMNS = {
    "id": "id",
    "given_label": "given",
    "suggested_label": "suggested",
    "verdict": "verdict",
    "clean_probability": "clean",
    "confidence": "confidence",
    "true_label": "true",
}
_SHARES = ("clean_probability", "confidence", "given_share")


def page(audit: Any, count: int = 10) -> str:
    """The most suspect labels of an audit as a table in HTML.

    Args:
        audit: `LabelAudit`.
        count: int, number of rows.

    Returns:
        str, with names escaped: they may contain anything.
    """
    rows = list(_part(audit, audit.most_suspect(count)).rows())
    columns = [c for c in _COLUMNS if any(row.get(c) for row in rows)]
    head = "".join(f"<th>{_COLUMNS[c]}</th>" for c in columns)
    body = "\n".join(
        "<tr>" + "".join(_cell(row, c) for c in columns) + "</tr>"
        for row in rows
    )
    counts = ", ".join(
        f"{number} {name.replace('_', ' ')}"
        for name, number in audit.counts().items()
    )
    return (
        f"<p><b>LabelAudit</b> of {len(audit)} labels: {counts}. The most "
        f"suspect {len(rows)}:</p>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n"
        "</tbody></table>"
    )


def to_pandas(audit: Any) -> Any:
    """As `LabelAudit.to_pandas`."""
    try:
        # Imported here because the package does not need it.
        import pandas
    except ImportError as error:
        raise ImportError(
            "Expected pandas to be installed for `to_pandas()`: pip install "
            "pandas. `to_csv(path)` needs no other package"
        ) from error
    frame = pandas.DataFrame(list(audit.rows()))
    for name in _SHARES:
        if name in frame:
            frame[name] = pandas.to_numeric(frame[name])
    if "epochs" in frame:
        frame["epochs"] = frame["epochs"].astype(int)
    return frame


def _part(audit, index):
    """The audit of some samples."""
    values = {
        field.name: getattr(audit, field.name)
        for field in dataclasses.fields(audit)
    }
    return dataclasses.replace(
        audit,
        **{
            name: value[index]
            for name, value in values.items()
            if isinstance(value, np.ndarray) and len(value) == len(audit)
        },
    )


def _cell(row, column):
    value = row.get(column, "")
    if column in _SHARES:
        return f'<td style="text-align: right">{float(value):.1%}</td>'
    return f"<td>{html.escape(str(value))}</td>"
