"""Names of classes and files in every format."""

import html
from xml.etree import ElementTree

import pytest

from noisy_keras.callbacks import drawing
from noisy_keras.labels import formats
from noisy_keras.serving import card
from noisy_keras.utils import names
from trainers.run import progress
from trainers.run import serving

NASTY = (
    "[/b]",
    "[red]x",
    "$\\frac$",
    "stripes ",
    "<script>alert(1)</script>",
    "=cmd|' C calc'!A0",
    "\N{WOMAN}\u200d\N{MICROSCOPE}",
    "\u202eltr",
    "a\nb",
    "bell\x07 \x1b[31mred",
    "# `*_{}~",
    ":smile:",
    "caf\udce9",
)


@pytest.mark.parametrize("name", NASTY)
def test_names_are_printed_as_they_are(name, capsys):
    out = progress.make_console()
    out.print(f"class {names.one_line(name)}")
    shown = capsys.readouterr().out
    assert shown == f"class {names.text(names.one_line(name))}\n"
    assert shown.strip("\n").replace("\u200d", "").isprintable()
    out.print(f"class {names.text(name)}")
    assert "\x1b" not in capsys.readouterr().out


def test_visible_names_stay():
    for name in ("stripes ", "[/b]", "\N{WOMAN}\u200d\N{MICROSCOPE}", "é"):
        assert names.one_line(name) == name
    assert names.one_line("a\nb\x1b") == "a\\nb\\x1b"
    assert names.text("caf\udce9") == "caf\\udce9"


@pytest.mark.parametrize("name", NASTY)
def test_markdown_shows_names(name):
    written = names.markdown(name)
    assert "<" not in written and "\n" not in written
    plain = html.unescape(written)
    for character in "\\`*_{}[]#|~$":
        plain = plain.replace(f"\\{character}", character)
    assert plain == names.one_line(name)


@pytest.mark.parametrize("name", NASTY)
def test_figures_draw_names_as_text(name, tmp_path):
    from matplotlib import figure

    canvas = figure.Figure()
    axis = canvas.subplots()
    axis.set_title(names.text(name))
    axis.set_xticks([0, 1], [names.text(name), "b"])
    drawing.write(tmp_path / "x.png", canvas)
    assert drawing.read(str(tmp_path / "x.png")).shape[0] == 1


def test_label_studio_reads_its_interface():
    view = ElementTree.fromstring(formats.label_studio_config(NASTY[:-1]))
    found = [choice.get("value") for choice in view.iter("Choice")]
    assert found[:4] == list(NASTY[:4]) and len(found) == len(NASTY)


def test_the_model_card_has_no_folders_of_this_machine(tmp_path):
    assert serving._without_folders("folder:/home/me/cats") == "folder:cats"
    assert serving._without_folders("csv:/a/b.csv") == "csv:b.csv"
    assert serving._without_folders("digits") == "digits"
    content = {
        "name": "m",
        "class_names": list(NASTY),
        "image_shape": (8, 8, 3),
        "format": "tf_saved_model",
        "versions": {"noisy_keras": "1"},
        "created": "2026-01-01",
        "networks": ["tiny"],
        "calibration": {"before": None, "skipped": "-"},
        "proof": None,
    }
    card.write(tmp_path, content, {"dataset": "folder:<b>"})
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in text and "folder:&lt;b&gt;" in text
    assert "\\[/b\\]" in text
