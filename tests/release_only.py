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

_METHODS = {
    # XLA: cross-entropy, with and without masks, and L2R keep it.
    # Replicas: SANM and EG keep them. Traces: EG and MoCo keep them.
    "dividemix_test.py::TestDivideMix": (_XLA,),
    "elr_test.py::TestELR": (_XLA,),
    "gce_test.py::TestGCE": (_XLA, _KILLED, _REPLICAS),
    "ieg_test.py::TestIEG": (_XLA, _SAVED, _REPLICAS, _TRACES, _FLOAT16),
    "joint_optim_test.py::TestJointOptim": (_XLA,),
    "l2r_test.py::TestL2R": (_REPLICAS,),
    "meta_weight_net_test.py::TestMetaWeightNet": (_XLA, _SAVED, _REPLICAS),
    "mlc_test.py::TestMLC": (_XLA, _SAVED, _REPLICAS, _TRACES),
    "moco_test.py::TestMoCo": (_XLA, _KILLED, _SAVED, _FLOAT16),
    "mslc_test.py::TestMSLC": (_XLA, _SAVED, _REPLICAS, _TRACES),
    "pseudo_labeling_test.py::TestPseudoLabeling": (_XLA,),
    "pseudo_labeling_test.py::TestDivided": (_KILLED, _REPLICAS),
    "sanm_test.py::TestOfficialSANM": (_XLA, _SAVED, _PLANTED),
    "sanm_test.py::TestSANM": (_XLA, _KILLED, _FLOAT16),
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
    # Cross-entropy, DivideMix, SANM and IEG stand for the hosts.
    *(
        f"{_HOSTS}[[]{host}]"
        for host in ("joint_optim", "l2r", "meta_weight_net", "mlc", "mslc")
    ),
    # Cross-entropy, DivideMix, SANM, IEG, DRPL and Auto stand for the others,
    # which their own tests train.
    *(
        f"{_FIRST}[[]{name}]"
        for name in (
            *("C2D", "DMLP", "EG", "ELR", "GCE", "JointOptim", "L2R", "MLC"),
            *("MSLC", "MetaWeightNet", "MoCo", "PseudoLabeling", "SimCLR"),
        )
    ),
    "tests/recipes/auto_test.py::test_each_candidate_*[[]sanm]",
    # Tests of these recipes run the same phases.
    *(f"tests/docstrings_test.py::*[[]*.recipes.{n}]" for n in ("c2d", "drpl")),
    # SANM and DMLP stand for methods and recipes.
    *(
        f"tests/trainers/killed_test.py::*[[]{name}-*"
        for name in ("c2d", "drpl", "ieg", "moco")
    ),
    *(
        f"tests/trainers/first_commands_test.py::*[[]{name}-*"
        for name in ("eg", "l2r", "meta_weight_net")
    ),
    # Cross-entropy keeps two workers, by command and in Python, and SANM.
    "tests/trainers/command_line_test.py::test_two_workers_*[[]ieg-*",
    "tests/utils/distribution_test.py::test_two_workers_train_as_one[[]ieg]",
    # The first and the fifth are run by CI.
    *(f"tests/examples_test.py::test_they_run[[]0{n}_*" for n in (2, 3, 4)),
]


def applies(nodeid):
    """Whether a test is one of them."""
    return any(fnmatch.fnmatchcase(nodeid, pattern) for pattern in PATTERNS)
