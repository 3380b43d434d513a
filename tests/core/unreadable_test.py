"""Files that become unreadable while a model is trained on them."""

import numpy as np
import pytest
from PIL import Image

import noisy_keras as nk
from noisy_keras.core import data_errors
from noisy_keras.utils.errors import ConfigurationError


def test_lost_files_are_said_not_judged_and_then_an_error(tmp_path):
    random = np.random.RandomState(0)
    for number in range(16):
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = random.randint(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    source = nk.data.from_folder(tmp_path, image_size=8)
    model = nk.CrossEntropy("tiny", source)
    model.compile()
    lost = source.paths[5]
    (tmp_path / lost).unlink()
    with pytest.warns(UserWarning, match="cannot be read any more") as said:
        model.fit(source, epochs=1, batch_size=8, verbose=0)
    assert sum(lost in str(one.message) for one in said) == 1
    audit = model.label_audit(source)
    assert [i for i, v in enumerate(audit.verdict) if v == "unreadable"] == [5]
    assert audit.counts()["unreadable"] == 1
    assert audit.most_suspect()[-1] == 5
    assert list(audit.rows())[5]["verdict"] == "unreadable"
    for number in (1, 2):
        (tmp_path / source.paths[number]).unlink()
    for action in (
        lambda: model.fit(source, epochs=1, batch_size=8, verbose=0),
        lambda: model.label_audit(source),
        lambda: model.evaluate(source, verbose=0),
        lambda: model.predict(source, verbose=0),
    ):
        with pytest.raises(ConfigurationError, match=r"of 16 in .*such as"):
            action()


def test_other_errors_stay_what_they_are():
    with pytest.raises(ZeroDivisionError), data_errors.explained(None, 3):
        raise ZeroDivisionError
