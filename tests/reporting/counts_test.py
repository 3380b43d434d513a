import numpy as np
import pytest

from noisy_keras import reporting
from noisy_keras.reporting import audit_tally
from noisy_keras.reporting import label_charts
from tests.reporting import run as made


def test_wilson_interval_of_published_values():
    # Newcombe, Statistics in Medicine 1998, table I, method 3.
    for count, total, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = reporting.wilson_interval(count, total)
        assert found == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_is_symmetric_and_narrows():
    low, high = reporting.wilson_interval([3, 7], [10, 10])
    np.testing.assert_allclose(low, 1.0 - high[::-1])
    low, high = reporting.wilson_interval([5, 500], [10, 1000])
    assert np.diff(high - low) < 0 and (low < 0.5).all() and (high > 0.5).all()


@pytest.mark.parametrize("count, total", [(1, 0), (-1, 3), (4, 3)])
def test_counts_beyond_their_total_raise(count, total):
    with pytest.raises(ValueError, match="Expected counts from 0 to totals"):
        reporting.wilson_interval(count, total)


ROWS = [
    ("a", "x.jpg", "cat", "dog", "0.2", "0.9", "relabelled", "dog"),
    ("b", "", "cat", "cat", "0.9", "0.8", "ok", "dog"),
    ("c", "", "dog", "cat", "0.1", "0.3", "suspect", ""),
    ("d", "", "dog", "dog", "0.1", "0.7", "out_of_distribution", "dog"),
    ("e", "", "dog", "cat", "0.8", "0.6", "ok", "dog"),
]
COLUMNS = (*made.COLUMNS, "true_label")


def test_an_audit_is_counted(tmp_path):
    found = audit_tally.tally(made.audit(tmp_path, ROWS, COLUMNS), most=2)
    assert found.samples == 5
    assert found.verdicts == {
        "ok": 2,
        "suspect": 1,
        "relabelled": 1,
        "out_of_distribution": 1,
    }
    assert found.given == {"cat": 2, "dog": 3}
    assert found.flagged == {"cat": 1, "dog": 2}
    assert found.known == {"cat": 2, "dog": 2} and found.wrong["cat"] == 2
    assert found.pairs["dog", "cat"] == 2
    assert found.flagged_pairs["dog", "cat"] == 1
    # Of equal clean probability, the surer suggestion first.
    assert [s.id for s in found.suspects] == ["d", "c"]
    assert found.suspects[0].row == 3 and found.suspects[1].true == ""


def test_columns_are_found_by_name(tmp_path):
    order = [7, 3, 0, 6, 5, 4, 2, 1]
    columns = [COLUMNS[k] for k in order] + ["history"]
    rows = [[*(row[k] for k in order), "0.1 0.2"] for row in ROWS]
    turned = audit_tally.tally(made.audit(tmp_path, rows, columns))
    straight = audit_tally.tally(made.audit(tmp_path, ROWS, COLUMNS))
    assert turned == straight


@pytest.mark.parametrize(
    "rows, columns, message",
    [
        (ROWS, ("id", *"abcdefg"), "Received: no given_label"),
        ([ROWS[0], ROWS[2][:4]], COLUMNS, "in line 3 of"),
        ([(*ROWS[0][:4], "much", *ROWS[0][5:])], COLUMNS, "in line 2 of"),
    ],
)
def test_a_broken_audit_raises(tmp_path, rows, columns, message):
    with pytest.raises(ValueError, match=message):
        audit_tally.tally(made.audit(tmp_path, rows, columns))


def test_rates_of_classes(tmp_path):
    found = audit_tally.tally(made.audit(tmp_path, ROWS, COLUMNS))
    rates = label_charts.class_rates(found, ["cat", "dog", "owl"])
    assert [r["name"] for r in rates] == ["dog", "cat"]  # No owl was given.
    assert rates[0]["share"] == pytest.approx(2 / 3)
    assert rates[0]["low"] < 2 / 3 < rates[0]["high"]
    assert [r["true"] for r in rates] == [0.0, 1.0]
    unknown = label_charts.class_rates(found, ["cat", "dog"], truth=False)
    assert [r["true"] for r in unknown] == [None, None]


def test_confusion_keeps_the_classes_mixed_up_most(tmp_path):
    names = [f"c{k}" for k in range(50)]
    rows = [
        (f"{k}", "", f"c{k}", f"c{k}", "1", "1", "ok") for k in range(50)
    ] + [("m", "", "c7", "c42", "0", "1", "suspect")] * 3
    found = audit_tally.tally(made.audit(tmp_path, rows))
    confusion = label_charts.confusion(found, names)
    assert len(confusion["names"]) == 20 and confusion["left_out"] == 30
    seven, other = (confusion["names"].index(n) for n in ("c7", "c42"))
    assert confusion["rows"][seven][other] == 3
    assert confusion["rows"][other][seven] == 0
    assert confusion["rows"][seven][seven] == 1
