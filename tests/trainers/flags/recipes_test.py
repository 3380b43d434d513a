import inspect
import json
import os

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras.data import example
from noisy_keras.data import overlap
from noisy_keras.recipes import c2d
from noisy_keras.recipes import pretraining
from tests.trainers.flags.settings_test import FLAGS
from tests.trainers.run import data_test
from trainers import UsageError
from trainers.flags import pseudo_labels as pseudo_label_flags
from trainers.flags import recipes as recipe_flags
from trainers.run import data
from trainers.run import feature_files
from trainers.run import folder as run_folder

OWN = {
    **dict.fromkeys(pseudo_label_flags.SHARED + pseudo_label_flags.META),
    "host": "dividemix",
    "warmup_epochs": None,
    "division": None,
    "clean_threshold": None,
    "loss_history": None,
    "warmup_penalty": None,
    "train_view": None,
    "pretrain_epochs": None,
    "pretrain_batch_size": None,
    "pretrain_learning_rate": None,
    "trusted": None,
    "trusted_csv": None,
    "restart_steps": None,
}
CLASSES = {
    "cross_entropy": nk.CrossEntropy,
    "dividemix": nk.DivideMix,
    "joint_optim": nk.JointOptim,
    "sanm": nk.DivideMix,
    "ieg": nk.IEG,
    "eg": nk.EG,
    "l2r": nk.L2R,
    "meta_weight_net": nk.MetaWeightNet,
    "mlc": nk.MLC,
    "mslc": nk.MSLC,
}


def resolve(method, encoder=None, **flags):
    return recipe_flags.resolve(method, FLAGS | OWN | flags, encoder)


def test_every_host_of_the_library_is_one_of_the_command_line():
    assert set(recipe_flags.HOSTS) == set(nk.recipes.HOSTS)


@pytest.mark.parametrize("method", ["dmlp", "c2d"])
@pytest.mark.parametrize("host", recipe_flags.HOSTS)
@pytest.mark.parametrize("dataset", ["digits", "cifar10", "cifar100", "tfds:x"])
def test_every_argument_is_one_of_the_host(method, host, dataset):
    if method == "dmlp" and host not in recipe_flags.LABEL_HOSTS:
        pytest.skip("EG has no use for purified labels")
    flags = {"noise_type": "symmetric", "noise_rate": 0.4, "trusted": 5}
    found = resolve(method, dataset=dataset, host=host, **flags)
    options = dict(found.arguments["host_options"])
    if host == "sanm":
        assert options.pop("preset") == "recommended"
        assert options.pop("plugin") == {}
    known = inspect.signature(CLASSES[host]).parameters
    assert set(options) <= set(known)
    assert set(found.arguments["pretraining"]) <= set(pretraining.DEFAULTS)
    made = found.arguments["epochs"], found.arguments["pretrain_epochs"]
    assert found.training["epochs"] == sum(made)
    pretraining.checked(found.arguments["pretraining"], made[1])


def test_dmlps_hosts_are_set_for_little_noise_and_have_trusted_samples():
    for rate in (0.2, 0.8):
        found = resolve("dmlp", dataset="cifar10", noise_rate=rate)
        assert found.arguments["host_options"]["unlabeled_weight"] == 0.0
        assert "20% symmetric noise" in found.preset
        assert "on purified labels; features: Zheltonozhskii" in found.preset
        assert found.data["trusted"] == 100
    assert resolve("dmlp", dataset="cifar100").data["trusted"] == 10
    data = resolve("dmlp", dataset="cifar10", trusted_total=500).data
    assert (data["trusted"], data["trusted_total"]) == (None, 500)


def test_c2d_is_as_published():
    found = resolve("c2d", dataset="cifar10", noise_rate=0.9)
    assert found.training["network"] == "resnet18"
    assert found.arguments["epochs"] == 360 and found.arguments["drops"] == (
        150,
    )
    assert found.arguments["pretrain_epochs"] == 1000
    assert c2d.RELEASED.items() <= found.arguments["host_options"].items()
    assert found.arguments["host_options"]["loss_history"] == 5
    hundred = resolve("c2d", dataset="cifar100", noise_rate=0.8)
    assert hundred.arguments["host_options"]["unlabeled_weight"] == 500.0
    assert hundred.arguments["host_options"]["clean_threshold"] == 0.03
    assert found.data["trusted"] is None


def test_flags_replace_the_values_of_the_row():
    for name, threshold in (("clothing1m", 0.7), ("tfds:clothing1m", 0.7)):
        options = resolve("c2d", dataset=name).arguments["host_options"]
        assert options["clean_threshold"] == threshold
    few = resolve("c2d", dataset="mini_webvision").arguments["host_options"]
    assert few["clean_threshold"] == 0.03
    found = resolve("c2d", warmup_epochs=3, pretrain_epochs=8, epochs=10)
    assert found.arguments["host_options"]["warmup_epochs"] == 3
    assert found.arguments["pretraining"]["warmup_epochs"] == 0
    assert found.training["epochs"] == 18
    assert set(found.replaced) == {
        "epochs",
        "warmup_epochs",
        "pretrain_epochs",
    }
    found = resolve("c2d", host="ieg", unlabeled_weight=1.0, trusted=10)
    assert found.arguments["host_options"]["unlabeled_weight"] == 1.0
    own = {"label_weight": 0.8, "step_size": 0.0, "view": "none"}
    found = resolve("c2d", host="ieg", trusted=10, **own)
    # 0 takes the current learning rate.
    own["step_size"] = None
    assert own.items() <= found.arguments["host_options"].items()
    assert set(found.replaced) == {*own, "trusted"}
    given = resolve("c2d", encoder="e.keras", epochs=10)
    assert given.arguments["pretrain_epochs"] == 0
    assert "pretraining" not in given.arguments
    assert given.training["epochs"] == 10


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"host": "cross_entropy", "warmup_epochs": 3},
            "--warmup_epochs: expected with --host=dividemix|sanm alone",
        ),
        (
            {"host": "l2r", "unlabeled_weight": 1.0},
            "expected with --host=dividemix|sanm|ieg|eg alone; got --host=l2r",
        ),
        (
            {"consistency_weight": 5.0},
            "--consistency_weight: expected with --host=ieg|eg alone",
        ),
        (
            {"host": "eg", "label_weight": 0.5},
            "--label_weight: expected with --host=ieg alone; got --host=eg",
        ),
        ({"pretrain_learning_rate": 0.0}, "--pretrain_learning_rate: expected"),
        (
            {"encoder": "e.keras", "pretrain_epochs": 3},
            "--pretrain_epochs: expected none where features are there",
        ),
    ],
)
def test_flags_that_do_not_go_together_are_reported(flags, message):
    with pytest.raises(UsageError) as error:
        resolve("c2d", **flags)
    assert message in str(error.value)


def test_an_encoder_is_found_in_a_run_with_what_it_was_made_with(tmp_path):
    kinds = (".keras", ".npy", "")
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(UsageError, match="a folder without encoder.keras; a"):
        recipe_flags.encoder_file("features", str(run), kinds)
    (run / "encoder.keras").write_text("")
    found = recipe_flags.encoder_file("features", str(run), kinds)
    assert found == str(run / "encoder.keras")
    assert recipe_flags.of_run(found) == {}
    kept = {
        "data": {"dataset": "digits", "image_size": 48},
        "training": {"network": "tiny", "width": 8},
    }
    (run / "config.json").write_text(json.dumps({"settings": kept}))
    assert recipe_flags.of_run(found)["image_size"] == 48
    other = tmp_path / "features.txt"
    other.write_text("")
    for path, what in ((other, "another file"), (tmp_path / "no", "not there")):
        with pytest.raises(UsageError, match=f"--features: .*which is {what}"):
            recipe_flags.encoder_file("features", str(path), kinds)
    (tmp_path / "saved_model.pb").write_text("")
    found = recipe_flags.encoder_file("features", str(tmp_path), kinds)
    assert found == str(tmp_path)
    with pytest.raises(UsageError, match="--encoder: "):
        recipe_flags.encoder_file("encoder", str(tmp_path), [".keras"])


def sources(**changes):
    noise = {"noise_type": "symmetric", "noise_rate": 0.5}
    return data.sources(data_test.digits(**noise | changes), None)


def test_rows_of_a_file_are_found_by_id(tmp_path):
    whole = sources(trusted=None).train
    rows = np.arange(whole.num_samples, dtype=np.float32)[:, None] * [1.0, 2.0]
    path = tmp_path / "features.npy"
    np.save(path, rows)
    found = sources(trusted=4, max_train_samples=300)
    of_train, of_trusted = feature_files.rows(str(path), found)
    place = {text: row for row, text in enumerate(whole.ids)}
    for features, source in (
        (of_train, found.train),
        (of_trusted, found.trusted),
    ):
        expected = [place[text] for text in source.ids]
        np.testing.assert_array_equal(features[:, 0], expected)
    np.save(path, rows[:-1])
    with pytest.raises(
        UsageError, match="--features: Expected 1257 rows .*1256"
    ):
        feature_files.rows(str(path), found)
    np.save(path, np.full_like(rows, np.nan))
    with pytest.raises(UsageError, match="NaN or infinity in 1257"):
        feature_files.rows(str(path), found)
    path.write_bytes(b"no array")
    with pytest.raises(UsageError, match="cannot be read"):
        feature_files.rows(str(path), found)
    np.save(path, rows)
    other = found._replace(trusted=nk.data.load("digits", "test"))
    with pytest.raises(UsageError, match="expected an encoder, because"):
        feature_files.rows(str(path), other)


def test_trusted_samples_are_counted_in_all():
    found = sources(trusted=None, trusted_total=47)
    assert list(np.bincount(found.trusted.labels)) == [4] * 10
    with pytest.raises(UsageError, match="--trusted_total: .*; got 9 in all"):
        sources(trusted=None, trusted_total=9)


@pytest.fixture(scope="module")
def example_pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user") / "pictures"
    example.write(str(folder))
    lines = (folder / "checked.csv").read_text().splitlines()
    # From another folder on, and not as the ids are written.
    other = [lines[0], *(f"./pictures/{line}" for line in lines[1:])]
    (folder.parent / "other.csv").write_text("\n".join(other) + "\n")
    return folder


@pytest.mark.parametrize("file", ["checked.csv", "../other.csv"])
def test_what_a_file_names_is_not_held_out(example_pictures, file, tmp_path):
    given = data_test.options(
        f"folder:{example_pictures}",
        image_size=8,
        noise_type="none",
        noise_rate=0.0,
        trusted_csv=os.path.normpath(example_pictures / file),
    )
    found = data.sources(given, None)
    assert found.trusted.num_samples == 200 and found.removed == 200
    assert found.validation.num_samples == 180
    assert found.train.num_samples == 1797 - 200 - 180
    names = overlap.keys
    held = set(names(found.validation))
    assert not held & ({*names(found.trusted)} | {*names(found.train)})
    # Rows of a file are those of the whole folder, whatever is held out.
    whole = nk.data.from_folder(example_pictures, image_size=8)
    rows = np.arange(1797, dtype=np.float32)[:, None]
    np.save(tmp_path / "features.npy", rows)
    place = {name: row for row, name in enumerate(names(whole))}
    got = feature_files.rows(str(tmp_path / "features.npy"), found)
    for features, source in zip(got, (found.train, found.trusted), strict=True):
        expected = [place[name] for name in names(source)]
        np.testing.assert_array_equal(features[:, 0], expected)


def test_a_file_has_no_rows_of_foreign_pictures(tmp_path):
    path = tmp_path / "features.npy"
    np.save(path, np.ones((1257, 2), np.float32))
    made = {"noise_foreign_classes": ["8", "9"], "trusted": 4}
    found = sources(**made | {"noise_type": "open_set", "noise_rate": 0.2})
    with pytest.raises(UsageError, match="--features: .* show other pictures"):
        feature_files.rows(str(path), found)
    # Nor where a manifest tells of them.
    run_folder.keep_labels(tmp_path, found.train, resumed=False)
    kept = str(tmp_path / run_folder.LABELS)
    again = sources(**made, noise_manifest=kept)
    with pytest.raises(UsageError, match="--features: .* show other pictures"):
        feature_files.rows(str(path), again)
