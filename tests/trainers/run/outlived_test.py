"""Runs whose folder of pictures has changed, and runs without validation."""

import csv
import io
import os

import numpy as np
import pytest
import tensorflow as tf
from rich import console

import noisy_keras as nk
from noisy_keras.data.sources import manifest
from tests import toy
from tests.trainers.flags.settings_test import resolve
from tests.trainers.run.data_test import Splits
from trainers import UsageError
from trainers.run import classification
from trainers.run import data as data_module
from trainers.run import description
from trainers.run import finished_run
from trainers.run import folder as run_folder
from trainers.run import prepare


def settings(dataset, **flags):
    return resolve("cross_entropy", dataset=dataset, image_size=8, **flags)


def begun(folder, chosen):
    """A run that has its data: its sources."""
    found = data_module.sources(chosen.data, None)
    folder.mkdir()
    run_folder.keep_labels(folder, found.train, resumed=False)
    run_folder.keep_samples(folder, found.record)
    run_folder.write_json(
        folder / run_folder.CONFIG, {"settings": chosen.as_dict()}
    )
    return found


def read_back(folder, **options):
    chosen = run_folder.read_settings(folder)
    return finished_run.sources(str(folder), None, chosen, **options)


class TestChangedFolders:
    @pytest.fixture
    def pictures(self, tmp_path):
        Splits.write(tmp_path / "pictures")
        return tmp_path / "pictures"

    @pytest.fixture
    def run(self, tmp_path, pictures):
        chosen = settings(
            f"folder:{pictures}", noise_rate=0.2, noise_type="symmetric"
        )
        return tmp_path / "run", begun(tmp_path / "run", chosen)

    def test_the_same_samples_are_in_training(self, run, pictures):
        folder, before = run
        names = sorted(os.listdir(pictures / "cat"))
        for name in names[:3]:
            (pictures / "cat" / name).rename(pictures / "dog" / f"x{name}")
        after = read_back(folder)
        held = {f"cat/{name}" for name in names[:3]}
        for split in ("train", "validation"):
            old, new = getattr(before, split), getattr(after, split)
            there = [name not in held for name in old.ids]
            assert list(new.ids) == list(old.ids[there])
            np.testing.assert_array_equal(new.labels, old.labels[there])
        np.testing.assert_array_equal(
            after.train.true_labels,
            before.train.true_labels[
                [name not in held for name in before.train.ids]
            ],
        )
        assert set(after.changes.gone) == held
        assert len(after.changes.new) == 3 and after.changes.known == 40

    def test_a_folder_that_has_moved_is_named(self, run, pictures):
        folder, before = run
        images = before.train.fetch([3]).numpy()
        pictures.rename(pictures.with_name("moved"))
        with pytest.raises(UsageError, match="its new place, such as"):
            read_back(folder)
        place = pictures.with_name("moved")
        after = read_back(folder, dataset=f"folder:{place}")
        assert manifest.matches(folder / run_folder.LABELS, after.train)
        assert not after.changes
        np.testing.assert_array_equal(after.train.fetch([3]), images)
        with pytest.raises(UsageError, match="--dataset: expected folder:PATH"):
            read_back(folder, dataset="folder:nowhere")

    def test_runs_without_a_record_are_drawn_again(self, run):
        folder, before = run
        os.unlink(folder / run_folder.SAMPLES)
        after = read_back(folder)
        assert after.changes is None
        assert manifest.fingerprint(after.train) == manifest.fingerprint(
            before.train
        )

    def test_a_run_goes_on_beside_new_pictures_alone(self, run, pictures):
        folder, before = run

        def resumed():
            return prepare.prepare(
                settings(
                    f"folder:{pictures}",
                    noise_rate=0.2,
                    noise_type="symmetric",
                    batch_size=8,
                ),
                None,
                "none",
                lambda network, source, _: nk.CrossEntropy(
                    toy.network(size=8), source.num_samples
                ),
                labels=str(folder / run_folder.LABELS),
                record=run_folder.read_samples(folder),
            )

        whole = (pictures / "cat" / "0.png").read_bytes()
        (pictures / "cat" / "new.png").write_bytes(whole)
        found = resumed()
        assert list(found.train.ids) == list(before.train.ids)
        assert "1 images are new" in description.describe(found)
        (pictures / before.train.ids[0]).unlink()
        with pytest.raises(UsageError, match="1 are gone or moved, such as"):
            resumed()


def test_a_csv_file_may_list_what_is_gone(tmp_path):
    Splits.write(tmp_path / "pictures")
    names = [
        f"{name}/{file}"
        for name in ("cat", "dog")
        for file in sorted(os.listdir(tmp_path / "pictures" / name))
    ]
    listed = tmp_path / "pictures" / "labels.csv"
    lines = [f"{name},{name[:3]}" for name in names]
    listed.write_text("\n".join(["path,label", *lines]))
    found = begun(tmp_path / "run", settings(f"csv:{listed}"))
    (tmp_path / "pictures" / found.train.ids[2]).unlink()
    again = read_back(tmp_path / "run")
    assert again.changes.gone == (found.train.ids[2],)
    assert again.changes.new == ()
    there = np.delete(np.arange(len(found.train)), 2)
    assert list(again.train.ids) == list(found.train.ids[there])


def test_corrections_of_both_parts_are_read_back(tmp_path):
    dataset = Splits.write(tmp_path / "pictures")
    plain = data_module.sources(settings(dataset).data, None)
    names = plain.train.ids[0], plain.validation.ids[0]
    with open(tmp_path / "edited.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "corrected_label"])
        writer.writerows([[name, "dog"] for name in names])
    chosen = settings(dataset, audit=[str(tmp_path / "edited.csv")])
    found = begun(tmp_path / "run", chosen)
    os.unlink(tmp_path / "edited.csv")
    again = read_back(tmp_path / "run")
    for split in ("train", "validation"):
        old, new = getattr(found, split), getattr(again, split)
        assert old.labels[0] == 1  # Both were cats.
        np.testing.assert_array_equal(new.labels, old.labels)


class TestWithoutValidation:
    """No samples are held out, and there is no test split."""

    def run(self, **flags):
        source = toy.source(32)
        model = nk.CrossEntropy(toy.network(), 32)
        model.compile(nk.MomentumSGD(0.05))
        chosen = resolve("cross_entropy", **flags)
        strategy = tf.distribute.get_strategy()
        return prepare.Run(chosen, source, None, None, model, strategy)

    def test_nothing_is_judged_and_nothing_chooses(self):
        run = self.run()
        assert run.judged is None and run.judged_name is None
        assert not classification.selects(run) and run.held_out is None
        assert "the last epoch is the result" in description.describe(run)
        found = classification.summary(
            run, [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]
        )
        assert found["final"] == {"epoch": 2}
        assert found["kept_epoch"] == 2 and found["best_by_validation"] is None
        assert found["selection"]["rule"].startswith("none")
        printed = io.StringIO()
        classification.print_results(console.Console(file=printed), found)
        assert "no samples were held out" in printed.getvalue()

    def test_the_audit_is_of_training_alone(self):
        run = self.run()
        audit = run.model.label_audit(run.train, held_out=run.held_out)
        found = classification.found_labels(run, audit)
        assert found["samples"] == 32 and "all" not in found

    def test_the_audit_of_both_has_figures_of_each(self):
        run = self.run()
        run.validation = toy.source(16, rate=0.5, seed=1)
        audit = run.model.label_audit(run.train, held_out=run.held_out)
        found = classification.found_labels(run, audit)
        assert found["samples"] == 32 and found["validation"]["samples"] == 16
        assert found["all"]["samples"] == 48
        assert found["all"]["ok"] == found["ok"] + found["validation"]["ok"]
        assert found["all"]["label_auc"] is not None

    def test_labels_of_validation_are_right_where_noise_was_added(self):
        run = self.run()
        images, labels = toy.pictures(16, seed=1)
        run.validation = nk.data.from_arrays(images, labels)
        held = run.held_out
        np.testing.assert_array_equal(held.true_labels, labels)
        assert run.validation.true_labels is None
        # Those of an edited audit are no truth.
        run.settings.data["audit"] = ["edited.csv"]
        assert run.held_out.true_labels is None
