"""Examples in the README work."""

import os
import re
import shlex
import subprocess
import sys

import keras
import pytest

import noisy_keras as nk
from tests import imports
from tests import shortened

README = os.path.join(imports.ROOT, "README.md")


def readme():
    with open(README, encoding="utf-8") as stream:
        return stream.read()


def blocks(language):
    fenced = rf"```{language}\n(.*?)```"
    return re.findall(fenced, readme(), flags=re.DOTALL)


def command_lines(start):
    lines = [line for b in blocks("bash") for line in b.splitlines()]
    lines = [line.split("&&")[-1].strip() for line in lines]
    return [line for line in lines if line.startswith(start)]


def run(arguments, folder):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": imports.ROOT},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the images and shards that the README's commands make."""
    folder = tmp_path_factory.mktemp("readme")
    made = [
        line
        for line in command_lines("python -m noisy_keras.data.")
        if ".builders " not in line  # Those need their authors' files.
    ]
    assert len(made) == 2
    for line in made:
        result = run(shlex.split(line)[1:], folder)
        assert result.returncode == 0, result.stderr
    # As after a run of `trainers.simclr`; the content is not read here.
    (folder / "runs" / "features").mkdir(parents=True)
    (folder / "runs" / "features" / "encoder.keras").touch()
    (folder / "runs" / "first" / "audit").mkdir(parents=True)
    (folder / "runs" / "first" / "audit" / "most_suspect.csv").touch()
    return folder


@pytest.mark.large
def test_python_blocks_run_in_their_order(folder, monkeypatch):
    monkeypatch.chdir(folder)
    shortened.shorten_fit(monkeypatch)
    names = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["probabilities"].shape == (5, 10)
    assert isinstance(names["model"], keras.Model)
    assert os.path.exists("label_audit.csv")


TRAININGS = [
    line
    for line in command_lines("python -m trainers.")
    if "trainers.audit " not in line  # It needs a run, and is tested there.
]


@pytest.mark.parametrize("line", TRAININGS)
def test_command_lines_are_accepted(line, folder):
    # Up to the settings: training itself is tested elsewhere.
    module, *flags = shlex.split(line)[2:]
    code = (
        f"import sys, {module} as trainer\n"
        "from absl import flags\n"
        "from trainers import settings\n"
        "F = flags.FLAGS\n"
        "assert F(sys.argv) == sys.argv[:1]\n"
        "values = {name: F[name].value for name in F}\n"
        "resolve = getattr(trainer, 'resolve', settings.resolve)\n"
        "print(resolve(trainer.METHOD, values).preset)\n"
    )
    result = run(["-c", code, *flags], folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


@pytest.mark.large
def test_labels_are_repaired_in_three_commands(folder, tmp_path):
    lines = [
        line
        for line in command_lines("python -m ")
        if "=runs/features" in line or "=runs/purified" in line
    ]
    assert len(lines) == 3
    for line in lines:
        arguments = shlex.split(line.replace("=runs/", f"={tmp_path}/"))[1:]
        if "trainers." in line:
            arguments += ["--epochs=2"]
        result = run(arguments, folder)
        assert result.returncode == 0, result.stderr
    with open(tmp_path / "purified" / "labels" / "labels.csv") as stream:
        # 200 are trusted, 180 held out.
        assert len(stream.readlines()) == 1 + 1797 - 200 - 180


def test_what_is_named_exists_and_what_exists_is_named():
    text = readme()
    for module in set(re.findall(r"`trainers\.(\w+)`", text)):
        path = os.path.join(imports.ROOT, "trainers", f"{module}.py")
        assert os.path.exists(path)
    for name in (*nk.networks.NAMES, *nk.data.NAMES):
        assert f"`{name}`" in text


def test_pictures_are_there():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme())
    assert pictures
    for picture in pictures:
        assert os.path.getsize(os.path.join(imports.ROOT, picture)) > 1000
