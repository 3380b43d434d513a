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
    ("method", "why"),
    [("dividemix", "penalty"), ("simclr", "without labels"), ("mlc", "itself")],
)
def test_methods_that_do_not_take_them_say_why(method, why):
    with pytest.raises(UsageError, match=f"--sampling: expected none.*{why}"):
        imbalance.arguments(method, {"sampling": "balanced"})


def test_nothing_given_is_nothing_for_any_method():
    assert imbalance.arguments("dividemix", dict.fromkeys(IMBALANCE)) == {}


def test_a_strength_needs_an_adjustment():
    with pytest.raises(UsageError, match="--logit_adjustment beside it"):
        imbalance.arguments("gce", {"adjustment_strength": 2.0})
