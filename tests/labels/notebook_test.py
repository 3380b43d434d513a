"""Audits in notebooks."""

import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import noisy_keras as nk


def audit(count=30):
    return nk.LabelAudit(
        ids=np.array([f"<i>{i}</i>" for i in range(count)], object),
        given_label=np.arange(count) % 2,
        suggested_label=np.zeros(count, int),
        clean_probability=np.linspace(1.0, 0.0, count, dtype=np.float32),
        confidence=np.full(count, 0.9, np.float32),
        class_names=("a & b", "<script>alert(1)</script>"),
        given_share=np.where(np.arange(count) < 2, np.nan, 0.5),
        epochs=np.full(count, 3),
    )


def test_the_page_has_the_most_suspect_labels_escaped():
    page = audit()._repr_html_()
    assert "<script>" not in page and "<i>" not in page
    root = ElementTree.fromstring(f"<div>{page}</div>")
    rows = [[c.text for c in row] for row in root.iter("tr")]
    assert len(rows) == 11
    assert rows[0] == [
        *("id", "given", "suggested", "verdict", "clean", "confidence")
    ]
    assert rows[1][:4] == [
        "<i>29</i>",
        "<script>alert(1)</script>",
        "a & b",
        "relabelled",
    ]
    assert rows[1][4:] == ["0.0%", "90.0%"]


def test_a_short_audit_is_shown_whole():
    assert audit(3)._repr_html_().count("<tr>") == 4


def test_pandas_gets_numbers():
    pandas = pytest.importorskip("pandas")
    frame = audit().to_pandas()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 30
    assert frame["clean_probability"].dtype == float
    assert frame["epochs"].tolist() == [3] * 30
    assert frame["given_share"].isna().tolist()[:3] == [True, True, False]
    assert list(frame.columns) == list(next(audit().rows()))


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        audit().to_pandas()
