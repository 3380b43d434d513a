import os

import pytest

from noisy_keras.serving import publish


def version(folder):
    os.makedirs(os.path.join(folder, "variables"))
    for name in ("saved_model.pb", "variables/data"):
        with open(os.path.join(folder, name), "w") as stream:
            stream.write(name)


def test_versions_are_numbered_and_never_overwritten(tmp_path):
    assert publish.next_version(tmp_path / "none") == 1
    for number in (1, 2):
        with publish.unfinished(tmp_path) as folder:
            version(folder)
            path = publish.publish_next(folder, tmp_path)
        assert os.path.basename(path) == str(number)
    (tmp_path / "10").mkdir()
    (tmp_path / "notes").mkdir()
    assert publish.next_version(tmp_path) == 11
    with publish.unfinished(tmp_path) as folder:
        version(folder)
        with pytest.raises(FileExistsError, match="never overwritten"):
            publish.publish(folder, str(tmp_path / "2"))
    assert sorted(os.listdir(tmp_path)) == ["1", "10", "2", "notes"]


def test_a_failed_export_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), publish.unfinished(tmp_path) as folder:
        version(folder)
        assert not os.path.basename(os.path.dirname(folder)).isdecimal()
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_two_exporters_get_two_versions(tmp_path, monkeypatch):
    free = publish.check_free

    def overtaken(path):
        free(path)
        if path.endswith("1"):
            version(path)  # Another one publishes in this very moment.

    with publish.unfinished(tmp_path) as folder:
        version(folder)
        monkeypatch.setattr(publish, "check_free", overtaken)
        path = publish.publish_next(folder, str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["1", "2"]
    assert path.endswith("2")


def test_copies_to_other_file_systems_end_with_the_graph(tmp_path, monkeypatch):
    seen = []
    replace = os.replace

    def spied(source, target):
        seen.append(sorted(os.listdir(os.path.dirname(target))))
        replace(source, target)

    version(tmp_path / "written")
    monkeypatch.setattr(os, "replace", spied)
    publish.copy(str(tmp_path / "written"), str(tmp_path / "1"))
    assert seen == [[".saved_model.pb", "variables"]]
    assert (tmp_path / "1" / "saved_model.pb").read_text() == "saved_model.pb"
