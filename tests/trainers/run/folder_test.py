import json

import pytest

from tests.trainers.flags.settings_test import resolve
from trainers import UsageError
from trainers.run import folder as run_folder


def begun(folder, settings):
    assert run_folder.check(folder, settings, resume=True) is False
    run_folder.write_json(
        f"{folder}/config.json", {"settings": settings.as_dict()}
    )


def test_a_run_begins_and_goes_on(tmp_path):
    folder = tmp_path / "deep" / "run"
    begun(folder, resolve())
    assert run_folder.check(folder, resolve(), resume=True) is True


def test_other_settings_are_refused_with_the_difference(tmp_path):
    begun(tmp_path, resolve())
    with pytest.raises(UsageError, match="training.seed was 0, now 1"):
        run_folder.check(tmp_path, resolve(seed=1), resume=True)
    with pytest.raises(UsageError, match="method was dividemix, now sanm"):
        run_folder.check(tmp_path, resolve("sanm"), resume=True)


def test_saying_a_default_makes_no_other_run(tmp_path):
    begun(tmp_path, resolve())
    same = resolve(network="tiny", noise_rate=0.4)
    assert run_folder.check(tmp_path, same, resume=True) is True


def test_noresume_refuses_a_run(tmp_path):
    begun(tmp_path, resolve())
    with pytest.raises(UsageError, match="holds a run"):
        run_folder.check(tmp_path, resolve(), resume=False)


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="holds files, but no run"):
        run_folder.check(tmp_path, resolve(), resume=True)


def test_a_run_that_was_refused_can_begin_in_the_same_folder(tmp_path):
    (tmp_path / run_folder.STARTUP_LOG).write_text("")
    assert run_folder.check(tmp_path, resolve(), resume=True) is False


def test_a_run_that_was_refused_leaves_no_folder(tmp_path):
    refused, begun = tmp_path / "refused", tmp_path / "begun"
    for folder in (refused, begun):
        folder.mkdir()
        (folder / run_folder.STARTUP_LOG).write_text("")
    (begun / run_folder.CONFIG).write_text("{}")
    run_folder.discard_unused(refused)
    run_folder.discard_unused(begun)
    assert not refused.exists()
    assert (begun / run_folder.STARTUP_LOG).exists()


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        run_folder.check(tmp_path / "file", resolve(), resume=True)
    with pytest.raises(UsageError, match="cannot write to"):
        run_folder.check(tmp_path / "file" / "run", resolve(), resume=True)


def test_default_folders_are_new_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_folder.time, "strftime", lambda f: "now")
    first = run_folder.default_folder("sanm", "digits")
    (tmp_path / first).mkdir(parents=True)
    second = run_folder.default_folder("sanm", "digits")
    assert first == "runs/sanm-digits-now" and second == f"{first}-2"


def test_json_is_written_whole(tmp_path):
    run_folder.write_json(tmp_path / "a.json", {"b": [1, 2]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": [1, 2]}


def test_other_defaults_of_a_method_are_refused(tmp_path):
    used = {"method": {"temperature": 0.5}, "plugins": {"sanm": {"box": "c"}}}
    run_folder.write_json(f"{tmp_path}/config.json", used)
    run_folder.check_used(tmp_path, used)
    other = used | {"method": {"temperature": 0.7}}
    with pytest.raises(UsageError, match="other method: temperature was 0.5"):
        run_folder.check_used(tmp_path, other)
    other = used | {"plugins": {"sanm": {"box": "d"}}}
    with pytest.raises(UsageError, match="other plugins: sanm.box was c, now"):
        run_folder.check_used(tmp_path, other)


def test_arguments_that_a_version_did_not_have_count_as_defaults(tmp_path):
    used = {"method": {"temperature": 0.5}, "plugins": {"sanm": {"box": "c"}}}
    run_folder.write_json(f"{tmp_path}/config.json", used)
    defaults = {
        "method": {"temperature": 0.7, "sampling": "shuffled"},
        "plugins": {"sanm": {"penalty": 1.0}},
    }
    now = {
        "method": {"temperature": 0.5, "sampling": "shuffled"},
        "plugins": {"sanm": {"box": "c", "penalty": 1.0}},
    }
    run_folder.check_used(tmp_path, now, defaults)
    for other, message in (
        (
            now | {"method": now["method"] | {"sampling": "balanced"}},
            "other method: sampling was shuffled, now balanced",
        ),
        (
            now | {"plugins": {"sanm": {"box": "c", "penalty": 2.0}}},
            "other plugins: sanm.penalty was 1.0, now 2.0",
        ),
    ):
        with pytest.raises(UsageError, match=message):
            run_folder.check_used(tmp_path, other, defaults)


def test_a_plugin_that_a_run_did_not_have_is_no_default(tmp_path):
    run_folder.write_json(f"{tmp_path}/config.json", {"plugins": {}})
    now = {"plugins": {"sanm": {"penalty": 1.0}}}
    with pytest.raises(UsageError, match="other plugins: sanm was None, now"):
        run_folder.check_used(tmp_path, now, now)


def test_a_default_that_json_cannot_hold_is_a_difference(tmp_path):
    run_folder.write_json(f"{tmp_path}/config.json", {"method": {}})
    now, defaults = {"method": {"loss": "mse"}}, {"method": {"loss": len}}
    with pytest.raises(UsageError, match="loss was <.*len>, now mse"):
        run_folder.check_used(tmp_path, now, defaults)


def test_features_that_were_made_before_a_run_began_are_no_run(tmp_path):
    (tmp_path / run_folder.FEATURES).touch()
    (tmp_path / f"{run_folder.FEATURES}.parts").mkdir()
    assert run_folder.check(tmp_path, resolve(), resume=True) is False
