import html.parser
import json
import os
import re

import numpy as np
import pytest

import noisy_keras as nk
from noisy_keras import reporting
from noisy_keras.reporting import page
from noisy_keras.reporting import run_files
from tests.reporting import run as made

HOSTILE = '<script>alert("1")</script>'


class Elements(html.parser.HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)

    def named(self, name):
        return [a for tag, a in self.tags if tag == name]


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The page of a run in which every name is an attack."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    names = [HOSTILE, "$x_{", '" onerror="alert(2)', "https://example.org/a.js"]
    dataset = f"folder:{HOSTILE}"
    made.write(folder, names, dataset=dataset, divisions=(1, 2, 3))
    return read(reporting.write(folder))


def test_the_page_loads_nothing_from_outside(hostile):
    elements = Elements(hostile)
    addresses = [
        value
        for tag, attributes in elements.tags
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert len(addresses) > 20
    assert all(a.startswith(("data:", "#")) for a in addresses)
    style = hostile[hostile.index("<style>") : hostile.index("</style>")]
    assert not re.search(r"url\(|@import", style)
    # And the policy forbids it to the browser.
    [policy] = [
        m["content"] for m in elements.named("meta") if "http-equiv" in m
    ]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_names_are_escaped(hostile):
    elements = Elements(hostile)
    assert not elements.named("script")
    assert all(
        not name.startswith("on") for _, a in elements.tags for name in a
    )
    assert HOSTILE in "".join(elements.text)
    assert f"sanm on folder:{HOSTILE}" in elements.text


def test_the_page_is_accessible(hostile):
    elements = Elements(hostile)
    assert all(image.get("alt") for image in elements.named("img"))
    assert elements.named("html")[0]["lang"] == "en"
    assert len(elements.named("h1")) == 1
    levels = [int(t[1]) for t, _ in elements.tags if re.fullmatch("h[1-6]", t)]
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    identities = [a["id"] for _, a in elements.tags if "id" in a]
    links = [a["href"] for a in elements.named("a")]
    assert len(set(identities)) == len(identities)
    assert {f"#{i}" for i in identities} == set(links)


def test_the_page_has_all_sections(hostile):
    text = " ".join("".join(Elements(hostile).text).split())
    for part in (
        "62.50%",  # Accuracy.
        "Preset: a paper; overridden by flags: epochs.",
        "Losses and their mixture",
        "Noise rate by given class",
        "Given against suggested labels",
        "Most suspect labels",
        "Masks and reconstructions of SANM",
        "Expected calibration error 0.123",
        "The slowest part: training, 70%",
    ):
        assert part in text, part
    assert "has not finished" not in text


def test_a_thousand_classes_and_long_names_stay_small(tmp_path):
    names = [f"{k} " + "very long name " * 20 for k in range(1000)]
    made.write(tmp_path / "run", names, samples=5000)
    images = np.random.RandomState(0).randint(0, 256, (5000, 9, 9, 3))
    path = reporting.write(
        tmp_path / "run", _source(tmp_path / "run", images.astype(np.uint8))
    )
    assert os.path.getsize(path) < 2_000_000
    elements = Elements(read(path))
    assert "980 others are left out" in " ".join(elements.text)


def test_suspects_are_shown_as_pictures(tmp_path):
    made.write(tmp_path, ["cat", "dog"], samples=40, divisions=())
    images = np.zeros((40, 8, 8, 3), np.uint8)
    source = _source(tmp_path, images)
    suspects = len(run_files.read(tmp_path).audit.suspects)
    text = read(reporting.write(tmp_path, source))
    assert text.count("data:image/png") == suspects + 4  # And four panels.
    # Without the data, the same without pictures.
    text = read(reporting.write(tmp_path))
    assert text.count("data:image/png") == 4
    assert text.count("given <b>") == suspects
    # A sorted audit finds them as well; samples that are gone have no image.
    fewer = source.subset(np.arange(10, 40))
    shown = np.sum(
        [s.row >= 10 for s in run_files.read(tmp_path).audit.suspects]
    )
    text = read(reporting.write(tmp_path, fewer))
    assert text.count("data:image/png") == shown + 4


def test_images_that_cannot_be_read_are_reported(tmp_path):
    made.write(tmp_path, ["cat", "dog"], divisions=())
    source = _source(tmp_path, np.zeros((60, 8, 8, 3), np.uint8))

    def gone(index):
        raise OSError("the disk is gone")

    source.fetch = gone
    text = read(reporting.write(tmp_path, source))
    assert "Images of suspects cannot be read: the disk is gone" in text


def test_the_page_stays_below_its_limit(tmp_path, monkeypatch):
    made.write(tmp_path, ["cat", "dog"], divisions=())
    source = _source(tmp_path, np.zeros((60, 8, 8, 3), np.uint8))
    sizes = iter([page.LIMIT + 1, page.LIMIT + 1, 9])
    shown = []

    def render(run, pictures):
        shown.append(len(pictures))
        return "x" * next(sizes)

    monkeypatch.setattr(page, "render", render)
    assert os.path.getsize(reporting.write(tmp_path, source)) == 9
    suspects = len(run_files.read(tmp_path).audit.suspects)
    assert shown == [suspects, suspects // 2, suspects // 4]


def test_the_page_says_what_is_unusual_about_the_results(tmp_path):
    made.write(tmp_path, ["cat", "dog"])
    path = tmp_path / "summary.json"
    summary = json.loads(path.read_text())
    for more, text in (
        ({"no_better_than_guessing": True}, "Do not rely on the list of wrong"),
        ({"kept_epoch": 2}, "The model is that of epoch 2"),
    ):
        path.write_text(json.dumps(summary))
        assert text not in read(reporting.write(tmp_path))
        path.write_text(json.dumps(summary | more))
        assert text in read(reporting.write(tmp_path))


def test_an_unfinished_run_has_a_page(tmp_path):
    made.write(tmp_path, ["cat", "dog"], finished=False)
    text = read(reporting.write(tmp_path))
    assert "This run has not finished" in text and "epoch 3" in text
    assert "so far, epoch 3" in text and "75.00%" in text
    assert "Most suspect" not in text
    for name in ("metrics.jsonl", "loss_histograms.jsonl"):
        (tmp_path / name).unlink()
    text = read(reporting.write(tmp_path))
    assert "This run has not finished" in text and "Curves" not in text


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("metrics.jsonl", "{", "metrics.jsonl cannot be read"),
        ("metrics.jsonl", '{"loss": 1}\n', "epoch is missing"),
        ("loss_histograms.jsonl", '{"epoch": 1}\n', "network is missing"),
        ("calibration.json", "[]", "expected an object; got list"),
        ("calibration.json", "{}", "split is missing"),
        ("summary.json", "", "summary.json cannot be read"),
        ("label_audit.csv", "id,label\n1,2\n", "no given_label"),
        ("pictures/masks.npz", "PK", "masks.npz cannot be read"),
    ],
)
def test_a_broken_file_is_reported_on_the_page(
    tmp_path, name, content, message
):
    made.write(tmp_path, ["cat", "dog"], divisions=())
    (tmp_path / name).write_text(content)
    assert message in read(reporting.write(tmp_path))


def test_a_run_of_a_newer_version_is_reported(tmp_path):
    made.write(tmp_path, ["cat", "dog"], finished=False, divisions=())
    config = json.loads((tmp_path / "config.json").read_text())
    config["versions"]["noisy_keras"] = "99.1"
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "made by noisy_keras 99.1" in read(reporting.write(tmp_path))


@pytest.mark.parametrize("content", [None, "", "[]", '{"settings": 3}'])
def test_other_folders_raise(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="Expected the folder of a run"):
        reporting.write(tmp_path)
    assert not (tmp_path / "report.html").exists()


def _source(folder, images):
    """A source of those ids that the audit lists."""
    with open(folder / "label_audit.csv", encoding="utf-8") as stream:
        ids = [line.split(",")[0] for line in stream][1:]
    labels = np.arange(len(ids)) % 2
    source = nk.data.from_arrays(images, labels)
    source.ids = np.asarray(ids, object)
    return source
