import re

import pytest

from noisy_keras.data.builders import __main__ as command_line
from tests.data.builders import folders


def run(capsys, *arguments):
    """Returns exit status, standard output and standard error."""
    status = command_line.main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_data_set_is_prepared_and_described(tmp_path, capsys):
    folders.clothing1m(tmp_path / "in")
    folders.draw(tmp_path / "in", ["images/0/x.jpg"])
    arguments = (
        "--dataset=clothing1m",
        f"--manual_dir={tmp_path / 'in'}",
        f"--data_dir={tmp_path / 'out'}",
    )
    status, out, err = run(capsys, *arguments)
    assert status == 0
    assert "train: 12 samples, 75.00% of 4 known labels right" in out
    assert "validation: 5 samples, all labels clean" in out
    assert "in both of train, clean_train: 2 samples" in out
    assert "files in no list: 1" in out
    assert "warning: Expected the published number" in err
    assert "warning: Expected no other images" in err and "x.jpg" in err
    status, out, _ = run(capsys, *arguments)
    assert status == 0 and "is already prepared" in out
    assert "75.00% of 4 known labels right" in out
    (tmp_path / "in/images/0/x.jpg").unlink()
    status, out, _ = run(capsys, *arguments, "--overwrite")
    assert status == 0 and "files in no list: 0" in out


def test_a_config_is_chosen_with_a_slash(tmp_path, capsys):
    folders.webvision(tmp_path / "in")
    status, out, _ = run(
        capsys,
        "--dataset=webvision/mini",
        f"--manual_dir={tmp_path / 'in'}",
        f"--data_dir={tmp_path / 'out'}",
    )
    assert status == 0
    assert "webvision/mini/1.0.0" in out and "train: 2 samples\n" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset=clothing"], "one of animal10n, clothing1m, .*'clothing'"),
        (["--dataset=webvision/all"], "one of full, mini. Received: 'all'"),
        (["--dataset=animal10n/all"], "one of -. Received: 'all'"),
        (["--dataset=animal10n", "--manual_dir=none"], "a folder.*'none'"),
    ],
)
def test_wrong_arguments_end_in_one_sentence(capsys, arguments, message):
    status, _, err = run(capsys, *arguments)
    assert status == 1
    line = err.splitlines()[0]
    assert line.startswith("error: Expected") and re.search(message, line)


def test_wrong_files_end_in_one_sentence(tmp_path, capsys):
    folders.animal10n(tmp_path / "in")
    status, _, err = run(
        capsys,
        "--dataset=animal10n",
        f"--manual_dir={tmp_path / 'in'}",
        f"--data_dir={tmp_path / 'out'}",
        "--strict_counts",
    )
    assert status == 1
    assert err.startswith("error: Expected the published number")
