import json

from noisy_keras import reporting
from noisy_keras.reporting import class_tables
from tests.reporting import run as made_run


def split(count, confusion=True):
    classes = [
        {
            "name": f"<class {k}>",
            "samples": 10,
            "recall": k / count,
            "precision": None,
            "f1": 0.25,
        }
        for k in range(count)
    ]
    return {
        "samples": 10 * count,
        "balanced_accuracy": 0.4375,
        "macro_f1": 0.25,
        "classes": classes,
        "class_names": [c["name"] for c in classes],
        "confusion": [[1] * count] * count if confusion else None,
    }


def test_many_classes_are_abbreviated():
    [table] = class_tables.tables({"class_figures": {"test": split(50)}})
    assert len(table["rows"]) == class_tables.MOST_ROWS
    assert table["left_out"] == 50 - class_tables.MOST_ROWS
    assert table["matrix"] is None
    assert table["rows"][0]["recall"] == "0.0%"
    assert table["rows"][0]["precision"] == ""


def test_summaries_of_earlier_versions_have_no_tables():
    assert class_tables.tables({}) == []
    assert class_tables.tables({"class_figures": None}) == []


def test_the_page_has_the_table_and_the_matrix(tmp_path):
    made_run.write(tmp_path, ["cat", "dog"])
    path = tmp_path / "summary.json"
    summary = json.loads(path.read_text())
    summary["class_figures"] = {"validation": split(3)}
    path.write_text(json.dumps(summary))
    page = open(reporting.write(str(tmp_path)), encoding="utf-8").read()
    assert "Accuracy by class" in page
    assert "43.75%" in page
    assert "Confusion matrix" in page
    assert "&lt;class 0&gt;" in page and "<class 0>" not in page
