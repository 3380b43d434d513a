import numpy as np

import noisy_keras as nk
from noisy_keras.data import example


def test_the_example_is_a_folder_and_a_list_of_the_same(tmp_path, capsys):
    target = str(tmp_path / "pictures")
    assert example.main([target]) == 0
    assert "1797 pictures" in capsys.readouterr().out
    listed = nk.data.from_csv(f"{target}/labels.csv", image_size=32)
    folder = nk.data.from_folder(target, image_size=32)
    assert listed.num_samples == folder.num_samples == 1797
    assert dict(zip(listed.ids, listed.labels, strict=True)) == dict(
        zip(folder.ids, folder.labels, strict=True)
    )
    wrong = np.mean(listed.labels != listed.true_labels)
    assert 0.25 < wrong < 0.29
    rest, checked = folder.split(trusted=f"{target}/checked.csv")
    assert (rest.num_samples, checked.num_samples) == (1597, 200)
    true = dict(zip(listed.ids, listed.true_labels, strict=True))
    assert list(checked.labels) == [true[text] for text in checked.ids]
    assert list(np.bincount(checked.labels)) == [20] * 10


def test_an_existing_folder_is_not_changed(tmp_path, capsys):
    assert example.main([str(tmp_path)]) == 2
    assert example.main([]) == 2
    assert "does not exist" in capsys.readouterr().err
