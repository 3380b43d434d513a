import pytest

from trainers import UsageError
from trainers.flags import IMBALANCE
from trainers.flags import imbalance


def test_weights_are_read_from_pairs_and_from_what_a_config_has():
    expected = {"0": 1.0, "3": 2.5}
    assert imbalance.weights("0:1,3:2.5") == expected
    assert imbalance.weights({"0": 1.0, "3": 2.5}) == expected
    assert imbalance.weights("{'0': 1.0, '3': 2.5}") == expected
    assert imbalance.weights("balanced") == "balanced"


@pytest.mark.parametrize("text", ["", "even", "0", "0:x", "0:-1", "a:1"])
def test_other_weights_are_refused(text):
    with pytest.raises(UsageError, match="--class_weight: expected balanced"):
        imbalance.weights(text)


@pytest.mark.parametrize(
    ("method", "flag", "why"),
    [
        ("dividemix", "class_weight", "penalty"),
        ("simclr", "sampling", "without labels"),
        ("mlc", "sampling", "itself"),
    ],
)
def test_methods_that_do_not_take_them_say_why(method, flag, why):
    with pytest.raises(UsageError, match=f"--{flag}: expected none.*{why}"):
        imbalance.arguments(method, {flag: "balanced"})


@pytest.mark.parametrize("method", ["dividemix", "sanm", "elr"])
def test_epochs_of_these_can_be_balanced(method):
    given = {"sampling": "balanced"}
    assert imbalance.arguments(method, given) == given


def test_nothing_given_is_nothing_for_any_method():
    assert imbalance.arguments("dividemix", dict.fromkeys(IMBALANCE)) == {}


def test_a_strength_needs_an_adjustment():
    with pytest.raises(UsageError, match="--logit_adjustment beside it"):
        imbalance.arguments("gce", {"adjustment_strength": 2.0})
