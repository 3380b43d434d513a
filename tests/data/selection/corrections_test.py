import numpy as np
import pytest

import noisy_keras as nk

NAMES = ["cat", "dog", "owl"]


def a_source(count=6, **options):
    pictures = np.arange(count * 8 * 8 * 3) % 251
    return nk.data.from_arrays(
        pictures.reshape(count, 8, 8, 3).astype(np.uint8),
        np.arange(count) % 3,
        class_names=NAMES,
        **options,
    )


def edited(folder, *lines, header="id,suggested_label,verdict"):
    path = folder / "edited.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def labels_of(source):
    return dict(zip(source.ids, map(int, source.labels), strict=True))


def test_verdicts_say_which_labels_are_replaced_and_left_out(tmp_path):
    source = a_source()
    path = edited(
        tmp_path,
        "000000,dog,ok",
        "000001,owl,relabelled",
        "000002,dog,suspect",
        "000003,dog,out_of_distribution",
        "000004,dog,drop",
    )
    found = nk.data.read_audit(path, source)
    assert str(found).startswith("1 labels corrected and 2 samples left out")
    corrected = found.apply(source)
    # The last sample is in no line and is kept.
    assert labels_of(corrected) == {
        "000000": 0,
        "000001": 2,
        "000002": 2,
        "000005": 2,
    }
    np.testing.assert_array_equal(corrected.fetch([1, 3]), source.fetch([1, 5]))
    assert labels_of(source) == labels_of(a_source())


def test_corrections_take_precedence_over_verdicts(tmp_path):
    path = edited(
        tmp_path,
        "000000,dog,relabelled,owl",
        "000001,owl,out_of_distribution,1",
        "000002,dog,ok,drop",
        "000003,dog,relabelled,",
        "000004,dog,ok,out_of_distribution",
        header="id,suggested_label,verdict,corrected_label",
    )
    corrected = a_source().relabel_from(path)
    assert labels_of(corrected) == {
        "000000": 2,
        "000001": 1,
        "000003": 1,
        "000005": 2,
    }


def test_an_unedited_audit_gives_its_own_result(tmp_path):
    source = a_source()
    audit = nk.LabelAudit(
        ids=source.ids,
        given_label=source.labels,
        suggested_label=np.array([1, 1, 1, 1, 1, 1]),
        clean_probability=np.array([0.1, 0.1, 0.1, 0.9, 0.9, 0.1]),
        confidence=np.array([0.9, 0.9, 0.5, 0.9, 0.9, 0.5]),
        class_names=source.class_names,
        unstable=np.array([False] * 5 + [True]),
    )
    audit.to_csv(tmp_path / "label_audit.csv")
    corrected = source.relabel_from(tmp_path / "label_audit.csv")
    expected = audit.relabelled(source)
    assert list(corrected.labels) == list(expected.labels[:5])
    assert list(corrected.ids) == list(source.ids[:5])


def test_truth_and_soft_labels_are_not_lost(tmp_path):
    soft = np.full((6, 3), 0.1, np.float32)
    soft[np.arange(6), np.arange(6) % 3] = 0.8
    source = a_source(true_labels=[0, 0, 0, 1, 1, 1]).relabel(soft)
    path = edited(
        tmp_path, "000001,,drop", "000002,,cat", header="id,x,corrected_label"
    )
    corrected = source.relabel_from(path)
    assert list(corrected.true_labels) == [0, 0, 1, 1, 1]
    np.testing.assert_allclose(corrected.soft_labels[0], soft[0])
    np.testing.assert_allclose(corrected.soft_labels[1], [1.0, 0.0, 0.0])


def test_every_problem_is_reported_with_its_line(tmp_path):
    path = edited(
        tmp_path,
        "000000,cat,dog,relabelled,",
        "nobody,cat,dog,ok,",
        "000001,dog,cow,relabelled,",
        "000002,owl,dog,ok,horse",
        "000003,cat,dog,maybe,",
        "000000,cat,dog,ok,",
        "000004,cat,dog,ok,",
        "000005,owl,dog,ok,3",
        header="id,given_label,suggested_label,verdict,corrected_label",
    )
    with pytest.raises(ValueError) as caught:
        a_source().relabel_from(path)
    message = str(caught.value)
    assert "Received: 7 other lines" in message and "\n" not in message
    for part in (
        "line 3: unknown id 'nobody'",
        "line 4: unknown suggested_label 'cow'",
        "line 5: unknown corrected_label 'horse'",
        "line 6: unknown verdict 'maybe'",
        "line 7: id '000000' again, as line 2",
        "line 8: given_label 'cat' of a sample whose label is 'dog'",
        "line 9: unknown corrected_label '3'",
        "ids look like '000000'",
    ):
        assert part in message


def test_many_wrong_lines_are_counted(tmp_path):
    lines = [f"nobody{i},cat,ok" for i in range(1000)]
    message = "1000 other lines: line 2.*; and 900 more"
    with pytest.raises(ValueError, match=message):
        a_source().relabel_from(edited(tmp_path, *lines))


def test_samples_that_are_elsewhere_are_counted(tmp_path):
    source = a_source()
    path = edited(tmp_path, "000009,dog,relabelled", "000000,dog,relabelled")
    found = nk.data.read_audit(path, source, known=["000009"])
    assert found.elsewhere == 1 and "1 lines are about other" in str(found)
    assert found.label[0] == 1


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        (
            "path,verdict,suggested_label",
            "a,ok,cat",
            "columns of a label audit",
        ),
        ("id,verdict", "000000,ok", "columns of a label audit"),
        ("id,corrected_label", "000000,drop", "to keep some of the 1 samples"),
    ],
)
def test_files_without_corrections_are_reported(
    tmp_path, header, line, message
):
    path = edited(tmp_path, line, header=header)
    with pytest.raises(ValueError, match=message):
        a_source(1).relabel_from(path)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(OSError):
        a_source().relabel_from(tmp_path / "none.csv")


class TestHeldOutSamples:
    """One audit of the samples in training and of those held out."""

    HEADER = "id,corrected_label,split"

    def parts(self):
        whole = a_source()
        return whole.subset([0, 1, 2]), whole.subset([3, 4, 5])

    def test_both_are_corrected_by_id(self, tmp_path):
        train, held = self.parts()
        # Of another cut: 000003 was in training, 000000 was held out.
        path = edited(
            tmp_path,
            "000003,dog,train",
            "000000,owl,validation",
            "000004,drop,validation",
            header=self.HEADER,
        )
        found = nk.data.read_audit(path, train, held_out=held)
        assert labels_of(found.apply(train)) == {
            "000000": 2,
            "000001": 1,
            "000002": 2,
        }
        corrected = found.held_out.apply(held)
        assert labels_of(corrected) == {"000003": 1, "000005": 2}
        assert "of held-out samples, 1 labels corrected and 1 left" in str(
            found
        )
        with pytest.raises(ValueError, match="keep some of the 3 samples"):
            lines = [f"{name},drop," for name in held.ids]
            path = edited(tmp_path, *lines, header=self.HEADER)
            nk.data.read_audit(path, train, held_out=held)

    def test_the_split_decides_between_equal_ids(self, tmp_path):
        train, held = a_source(3), a_source(3)
        path = edited(
            tmp_path,
            "000000,dog,train",
            "000000,owl,validation",
            header=self.HEADER,
        )
        found = nk.data.read_audit(path, train, held_out=held)
        assert labels_of(found.apply(train))["000000"] == 1
        assert labels_of(found.held_out.apply(held))["000000"] == 2

    def test_either_is_corrected_alone(self, tmp_path):
        train, held = self.parts()
        path = edited(
            tmp_path,
            *(f"{name},dog,train" for name in train.ids),
            *(f"{name},cat,validation" for name in held.ids),
            header=self.HEADER,
        )
        assert set(labels_of(train.relabel_from(path)).values()) == {1}
        assert set(labels_of(held.relabel_from(path)).values()) == {0}
        assert nk.data.read_audit(path, held).elsewhere == 3

    def test_a_spreadsheet_may_have_changed_ids_and_classes(self, tmp_path):
        train, held = self.parts()
        path = tmp_path / "edited.csv"
        lines = ["0; owl;train", "4;0; validation ", "5;;validation"]
        path.write_text("\n".join(["ID;Corrected_Label;Split", *lines]))
        found = nk.data.read_audit(path, train, held_out=held)
        assert labels_of(found.apply(train))["000000"] == 2
        assert labels_of(found.held_out.apply(held))["000004"] == 0
        assert found.elsewhere == 0
        with pytest.raises(ValueError, match="line 3: id '000000' again"):
            path.write_text("id,corrected_label\n0,owl\n000000,dog\n")
            nk.data.read_audit(path, train, held_out=held)


def test_lines_about_files_that_are_gone_are_listed(tmp_path):
    paths = [f"{name}.png" for name in "abcdef"]
    source = a_source(ids=paths)
    source.paths = np.asarray(paths, object)
    path = edited(
        tmp_path, "a.png,dog", "gone.png,dog", header="id,corrected_label"
    )
    found = nk.data.read_audit(path, source)
    assert found.gone == ("gone.png",) and found.changed.sum() == 1
    assert "1 lines are about samples that are gone, such as gone" in str(found)
    with pytest.raises(ValueError, match="line 2: unknown id 'gone.png'"):
        source.relabel_from(
            edited(tmp_path, "gone.png,dog", header="id,corrected_label")
        )
