"""Tests that run before a release only: `pytest -m release`.

Each takes long, and what it proves of a method, cheaper tests prove of its base
or of a method whose step contains this one's.
"""

import fnmatch

_XLA = "test_xla_gives_the_same_losses"
_KILLED = "test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been"
_SAVED = "test_a_saved_model_goes_on_as_if_never_saved"
_REPLICAS = "test_two_replicas_train_with_equal_tables"
_TRACES = "test_one_trace_per_phase_however_the_epochs_change"
_FLOAT16 = "test_mixed_precision_trains[[]mixed_float16]"
_PLANTED = "test_it_learns_and_finds_planted_wrong_labels"
_TRUE = "test_true_labels_reach_no_batch"
_OWN = "test_only_the_network_is_the_optimizers"
_TRUSTED = (
    "test_trusted_samples_are_not_trained_on",
    "test_a_trusted_set_as_arrays",
)

_METHODS = {
    # Cross-entropy keeps all of them but one, and SANM and IEG what their steps
    # have beside it: replicas, traces, kills. Of the meta-learners,
    # Meta-Weight-Net keeps what their base does.
    "adaptive_test.py::TestAdaptiveDivideMix": (_KILLED,),
    "cross_entropy_test.py::TestMaskedCrossEntropy": (_XLA,),
    "dividemix_test.py::TestDivideMix": (_XLA,),
    "eg_test.py::TestEG": (_REPLICAS, _TRACES),
    "elr_test.py::TestELR": (_XLA, _REPLICAS),
    "gce_test.py::TestGCE": (_XLA, _KILLED, _REPLICAS),
    "ieg_test.py::TestIEG": (
        *(_XLA, _SAVED, _REPLICAS, _TRACES, _FLOAT16, _TRUE),
    ),
    "joint_optim_test.py::TestJointOptim": (_XLA, _REPLICAS, _TRUE),
    "l2r_test.py::TestL2R": (_XLA, _REPLICAS),
    "meta_weight_net_test.py::TestMetaWeightNet": (
        *(_XLA, _SAVED, _REPLICAS, *_TRUSTED),
    ),
    "mlc_test.py::TestMLC": (
        *(_XLA, _SAVED, _REPLICAS, _TRACES, _PLANTED, _OWN, *_TRUSTED),
    ),
    "moco_test.py::TestMoCo": (
        *(_XLA, _KILLED, _SAVED, _FLOAT16, _TRACES, _TRUE),
    ),
    "mslc_test.py::TestMSLC": (
        *(_XLA, _SAVED, _REPLICAS, _TRACES, _PLANTED, _OWN, *_TRUSTED),
    ),
    "pseudo_labeling_test.py::TestPseudoLabeling": (_XLA, _REPLICAS, _SAVED),
    "pseudo_labeling_test.py::TestDivided": (_KILLED, _REPLICAS),
    "sanm_test.py::TestOfficialSANM": (_XLA, _SAVED, _PLANTED),
    "sanm_test.py::TestSANM": (_XLA, _KILLED, _FLOAT16, _TRUE),
    "simclr_test.py::TestSimCLR": (_XLA, _TRACES, _FLOAT16),
}

_HOSTS = "tests/recipes/dmlp_test.py::test_every_host_trains_on_purified_labels"
_FIRST = (
    "tests/methods/constructors_test.py::test_the_first_example_of_the_readme"
)

PATTERNS = [
    *(
        f"tests/methods/{cls}::{test}"
        for cls, tests in _METHODS.items()
        for test in tests
    ),
    # Cross-entropy, DivideMix and SANM stand for the hosts.
    *(
        f"{_HOSTS}[[]{host}]"
        for host in (
            *("ieg", "joint_optim", "l2r", "meta_weight_net", "mlc", "mslc"),
        )
    ),
    # Cross-entropy, DivideMix, SANM and Auto stand for the others, which their
    # own tests train.
    *(
        f"{_FIRST}[[]{name}]"
        for name in (
            *("C2D", "DMLP", "DRPL", "EG", "ELR", "GCE", "IEG", "JointOptim"),
            *("L2R", "MLC"),
            *("MSLC", "MetaWeightNet", "MoCo", "PseudoLabeling", "SimCLR"),
        )
    ),
    "tests/recipes/auto_test.py::test_each_candidate_*[[]sanm]",
    # Tests of these recipes and methods train them likewise.
    *(
        f"tests/docstrings_test.py::*[[]*.{n}]"
        for n in (
            *("recipes.c2d", "recipes.dmlp", "recipes.drpl"),
            *("methods.eg", "methods.ieg", "methods.mlc"),
        )
    ),
    # The first phase and the last stand for all.
    *(
        f"tests/recipes/recipe_test.py::test_what_was_stopped_in_any_*[[]{n}]"
        for n in (1, 2)
    ),
    # The recommended settings keep the same tests.
    "tests/recipes/drpl_test.py::test_it_learns_and_finds_*[[]official]",
    "tests/recipes/drpl_test.py::test_the_released_*",
    "tests/recipes/drpl_test.py::test_a_warm_start_goes_on_from_the_judge",
    # DivideMix divides by the same evidence.
    "tests/methods/adaptive_test.py::test_sanm_divides_when_its_host_does",
    "tests/labels/strategies_test.py::test_foreign_pictures_are_found_and_*",
    "tests/callbacks/callbacks_test.py::test_replicas_go_on_from_within_*",
    "tests/ops/meta_test.py::test_all_methods_agree_*[[]forward-True]",
    # A loss of each kind stands for those on features.
    *(
        f"tests/methods/on_features_test.py::test_every_method_learns[[]{name}]"
        for name in (
            *("Auto", "DRPL", "EG", "GCE", "JointOptim", "L2R", "MLC", "MSLC"),
            *("MetaWeightNet", "PseudoLabeling"),
        )
    ),
    "tests/callbacks/freeze_backbone_test.py::*[[]EG]",
    "tests/callbacks/freeze_backbone_test.py::*[[]IEG]",
    "tests/features/joining_test.py::*[[]MLC]",
    # SANM and DMLP stand for methods and recipes.
    *(
        f"tests/trainers/killed_test.py::*[[]{name}-*"
        for name in ("c2d", "drpl", "ieg", "moco")
    ),
    *(
        f"tests/trainers/first_commands_test.py::*[[]{name}-*"
        for name in ("eg", "l2r", "meta_weight_net")
    ),
    # Cross-entropy keeps two workers, by command and in Python.
    "tests/trainers/command_line_test.py::test_two_workers_*[[]ieg-*",
    "tests/utils/distribution_test.py::test_two_workers_train_as_one[[]ieg]",
    "tests/utils/distribution_test.py::test_two_workers_train_as_one[[]sanm]",
    # The fifth is run by CI; the quick start has what the first has.
    *(f"tests/examples_test.py::test_they_run[[]0{n}_*" for n in range(1, 5)),
]


def applies(nodeid):
    """Whether a test is one of them."""
    return any(fnmatch.fnmatchcase(nodeid, pattern) for pattern in PATTERNS)
