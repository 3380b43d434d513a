import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import constraints


def pins_of(path):
    with open(path, encoding="utf-8") as stream:
        lines = [line for line in stream if not line.startswith("#")]
    pins = [re.fullmatch(r"([a-z0-9-]+)==(\S+)\n", line) for line in lines]
    assert all(pins), lines
    assert len({pin[1] for pin in pins}) == len(lines)
    return {pin[1]: pin[2] for pin in pins}


def test_minimum_is_what_setup_cfg_says():
    with open(constraints.MINIMUM, encoding="utf-8") as stream:
        assert stream.read() == constraints.minimum(), (
            "constraints/minimum.txt is out of date: "
            "run `python -m tests.constraints minimum`"
        )
    assert pins_of(constraints.MINIMUM)["numpy"] == "2.0"


def test_the_highest_of_several_bounds_is_the_minimum(tmp_path, monkeypatch):
    setup = tmp_path / "setup.cfg"
    setup.write_text(
        "[options]\ninstall_requires =\n    # A comment.\n    A_b[c]>=1.9\n"
        "[options.extras_require]\nmore =\n    a-b>=1.10\n    d>=2\n"
    )
    monkeypatch.setattr(constraints, "SETUP", str(setup))
    lines = constraints.minimum().splitlines()
    assert lines[-2:] == ["a-b==1.10", "d==2"]


@pytest.mark.parametrize("text", ["a", "a==1", "a<2"])
def test_a_requirement_without_a_lower_bound_is_refused(
    tmp_path, monkeypatch, text
):
    setup = tmp_path / "setup.cfg"
    setup.write_text(
        f"[options]\ninstall_requires =\n    {text}\n[options.extras_require]\n"
    )
    monkeypatch.setattr(constraints, "SETUP", str(setup))
    with pytest.raises(ValueError, match=f"lower bound.*Received: {text}"):
        constraints.minimum()


def test_exact_pins_all_that_is_required_within_its_bounds():
    pins = pins_of(constraints.EXACT)
    assert not {"noisy-keras", "pip", "setuptools"} & set(pins)
    for requirement in constraints.requirements(*constraints.EXTRAS):
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True)
    oldest = pins_of(constraints.MINIMUM)
    for name in set(oldest) & set(pins):
        assert Version(pins[name]) >= Version(oldest[name]), name


def test_exact_follows_requirements_and_their_extras(tmp_path, monkeypatch):
    requires = {
        "a": ['b[x]>=1; extra == "y"', "c", 'd; python_version < "3"'],
        "b": ['e; extra == "x"', 'f; extra == "z"'],
        "c": ["a", "setuptools"],
        "e": [],
        "setuptools": [],
    }
    monkeypatch.setattr(
        constraints, "requirements", lambda *_: [Requirement("A[y]>=0")]
    )
    monkeypatch.setattr(metadata, "requires", requires.get)
    monkeypatch.setattr(metadata, "version", lambda name: f"1.{len(name)}")
    lines = constraints.exact().splitlines()
    assert [line for line in lines if "==" in line] == [
        "a==1.1",
        "b==1.1",
        "c==1.1",
        "e==1.1",
    ]


def test_the_command_names_its_arguments():
    with pytest.raises(SystemExit, match="expected one of minimum, exact"):
        constraints.main(["newest"])
