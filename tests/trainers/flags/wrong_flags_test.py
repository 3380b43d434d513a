"""What cannot be done ends in one sentence, before any training."""

import pytest

from tests.commands import run
from tests.commands import train


@pytest.mark.parametrize(
    ("trainer", "flags", "message"),
    [
        ("sanm", ["--dataset=clothing"], "--dataset: expected one of"),
        ("sanm", ["--network=resnet"], "Expected a network name, one of"),
        ("sanm", ["--noise_type=uniform"], "value should be one of"),
        ("sanm", ["--noise_rate=1.2"], "--noise_rate: expected a share"),
        ("sanm", ["--epochs=0"], "not a positive integer"),
        ("sanm", ["--width=0"], "not a positive integer"),
        ("sanm", ["--batch_size=-4"], "not a positive integer"),
        ("sanm", ["--batch_size=5000"], "--batch_size: expected at most"),
        ("sanm", ["--host=elr"], "value should be one of"),
        ("sanm", ["--datset=digits"], "Did you mean: dataset"),
        ("sanm", ["dataset=digits"], "flags of the form --name=value"),
        ("sanm", ["--host=ce", "--loss_history=5"], "--loss_history: expected"),
        ("sanm", ["--ratio=code", "--mask_ratio=0.2"], "--mask_ratio"),
        ("sanm", ["--distribute=multi_worker"], "TF_CONFIG"),
        ("dividemix", ["--clean_threshold=2"], "`clean_threshold` in"),
        ("auto", ["--candidate=best"], "value should be one of <auto|plain|"),
        ("cross_entropy", ["--correct_from=-1"], "--correct_from"),
        ("drpl", ["--threshold_1=0"], "--threshold_1: expected a probability"),
        ("drpl", ["--threshold_2=1.5"], "--threshold_2: expected"),
        ("drpl", ["--ssl_epochs=0"], "not a positive integer"),
        ("drpl", ["--epochs=4"], "--epochs: expected at least 5"),
        ("drpl", ["--epochs=50", "--ssl_epochs=9"], "beside --ssl_epochs"),
        ("drpl", ["--learning_rate_drops=3"], "--relabel_drops, --ssl_drops"),
        ("drpl", ["--final_drops=99"], "within the phase's 20; got 99"),
        ("drpl", ["--final_drops=x"], "--final_drops: expected epoch indices"),
        ("drpl", ["--relabel_from=20"], "--relabel_from: expected less than"),
        ("drpl", ["--class_share=1"], "--class_share: expected a share"),
        ("joint_optim", ["--relabel_from=99"], "--relabel_from: expected at"),
        ("joint_optim", ["--entropy_weight=-1"], "non-negative number"),
        ("ieg", ["--trusted=3", "--trusted_csv=a"], "expected none beside"),
        ("ieg", ["--trusted=500"], "--trusted: Expected at least 1 trusted"),
        ("ieg", ["--learning_rate_drops=9"], "none, as the rate restarts"),
        ("eg", ["--relabel"], "Unknown command line flag 'relabel'"),
        ("mslc", ["--correct_from=99"], "--correct_from: expected at most"),
        ("mlc", ["--batch_size=1"], "--batch_size: expected at least 2"),
        ("simclr", ["--temperature=0"], "--temperature: expected a number"),
        ("simclr", ["--batch_size=1"], "--batch_size: expected at least 2"),
        ("simclr", ["--warmup_epochs=40"], "--warmup_epochs: expected less"),
        ("simclr", ["--learning_rate_drops=9"], "falls by half a cosine"),
        ("moco", ["--queue_size=64"], "--queue_size: expected at least the"),
        ("moco", ["--key_momentum=1"], "--key_momentum: expected a number"),
        ("cross_entropy", ["--trusted=3"], "Unknown command line flag"),
        ("cross_entropy", ["--validation=0.3"], "--validation: digits has"),
        ("cross_entropy", ["--noise_convention=even"], "`convention`"),
        (
            "cross_entropy",
            ["--noise_foreign_classes=3,ten"],
            "--noise_foreign_classes: Expected classes of digits",
        ),
        ("dmlp", ["--host=elr"], "value should be one of"),
        ("dmlp", ["--host=eg"], "value should be one of"),
        ("dmlp", ["--features=nowhere"], "--features: expected the folder of"),
        ("dmlp", ["--trusted_total=1"], "1 is not integer >= 2"),
        (
            "dmlp",
            ["--trusted_total=50", "--trusted=3"],
            "--trusted_total: expected none beside --trusted",
        ),
        ("dmlp", ["--validation_csv=no.csv"], "'no.csv', which is no file"),
        ("dmlp", ["--warmup_epochs=3"], "with --host=dividemix|sanm alone"),
        ("dmlp", ["--learning_rate=0"], "--learning_rate: expected"),
        ("c2d", ["--encoder=nowhere"], "--encoder: expected the folder of"),
        ("c2d", ["--trusted=3"], "--trusted: expected with --host=ieg|"),
        ("c2d", ["--network=tiny", "--encoder=x"], "which is the network"),
        ("c2d", ["--pretrain_epochs=0"], "not a positive integer"),
    ],
)
def test_what_cannot_be_done_ends_in_one_sentence(
    tmp_path, trainer, flags, message
):
    folder = tmp_path / "run"
    result = train(trainer, f"--output_dir={folder}", *flags)
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ") and message in line
    assert "epoch" not in result.stdout.split("settings:")[0]
    assert not folder.exists()


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("trainers.l2r", ["dataset", "trusted", "restart_steps"]),
        ("trainers.c2d", ["encoder", "label_weight", "[no]relabel"]),
        ("export", ["run", "[no]labels"]),
    ],
)
def test_help_lists_all_flags_of_the_command(command, names):
    result = run(command, "--help")
    for name in names:
        assert f"\n  --{name}: " in result.stdout
    # Nor those of absl.
    assert "--verbosity" not in result.stdout + result.stderr
