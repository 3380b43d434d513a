"""Which candidate `nk.Auto` goes on with: rules from the robustness table.

For each kind of data that a judgement tells apart, the candidate that gained
most over plain training at equal compute, in the mean of the conditions of that
kind, among those that did not lose more than half a point in any of them beyond
two standard errors, which the number of test images and of seeds leave. Where
none gained, training stays plain, as it does where labels look clean or the
judgement cannot be trusted. Candidates count that were run in every condition.

How good such rules are on other data is seen by leaving each data set out: its
rules are those of the others. A kind that these do not have stays plain.

    python benchmarks/robustness.py --methods=cross_entropy,auto_plain,\
auto_corrected,auto_gce ...
    python benchmarks/auto_rules.py --work_dir=runs/robustness

It writes noisy_keras/recipes/auto_rules.json, and the table of this page to
benchmarks/results/auto_rules.md.
"""

import collections
import json
import os

import harness
import numpy as np
import robustness_report
from absl import app
from absl import flags

from noisy_keras import recipes

flags.DEFINE_string("work_dir", "runs/robustness", "Folder of the runs.")
FLAGS = flags.FLAGS

RULES = os.path.join(os.path.dirname(recipes.__file__), "auto_rules.json")
_PLAIN, _BASELINE = "plain", "cross_entropy"
# The candidate whose runs have the judgements.
_JUDGED = "corrected"
# Points of accuracy that a candidate may lose in a condition, beyond so many
# standard errors.
_LOSS, _ERRORS = 0.5, 2.0
# Kinds of data in which training stays plain whatever a table says.
_ALWAYS_PLAIN = ("clean", "unproven", "random", "few", "incomplete")
# Test images by data set.
_TEST_IMAGES = {"digits": 360, "mnist": 1000, "cifar10": 2000}


def conditions(runs):
    """What the runs say, per condition.

    Args:
        runs: dict, as of `robustness_report.read`.

    Returns:
        dict from (dataset, noise, budget) to a dict of the `kind` that most
        judgements found, and of the mean `gains` in points by candidate, with
        their standard `errors`.
    """
    grouped = collections.defaultdict(lambda: collections.defaultdict(dict))
    for (dataset, noise, budget, method, seed), run in runs.items():
        grouped[dataset, noise, budget][method][seed] = run
    found = {}
    for key, methods in grouped.items():
        baseline = methods.pop(_BASELINE, {})
        # Auto that stays plain may keep an earlier epoch, too.
        stayed = methods.get(f"auto_{_PLAIN}", {})
        plain = {s: stayed.get(s, run) for s, run in baseline.items()}
        gains, error, kinds = {}, {}, []
        for method, by_seed in methods.items():
            candidate = method.removeprefix("auto_")
            shared = sorted(set(by_seed) & set(plain))
            if candidate == method or not shared:
                continue
            # The plain part is the same whatever follows it.
            if candidate == _JUDGED or not kinds:
                kinds = [by_seed[s]["findings"]["kind"] for s in shared]
            accuracy = np.mean([_accuracy(plain[s]) for s in shared])
            # Of the difference of two networks on the same test images, at
            # most: their errors are taken for independent.
            errors = 100 * np.sqrt(
                2 * accuracy * (1 - accuracy) / _TEST_IMAGES[key[0]]
            )
            error[candidate] = float(errors / np.sqrt(len(shared)))
            gains[candidate] = 100 * float(
                np.mean(
                    [by_seed[s]["kept"] - _accuracy(plain[s]) for s in shared]
                )
            )
        if kinds:
            kind = collections.Counter(kinds).most_common(1)[0][0]
            found[key] = {"kind": kind, "gains": gains, "errors": error}
    return found


def _accuracy(run):
    return run.get("kept", run["last"])


def rules_of(found):
    """The rules that the conditions call for.

    Args:
        found: dict, as of `conditions`.

    Returns:
        list of dicts, as `auto_rules.json` holds them.
    """
    by_kind = collections.defaultdict(list)
    for condition in found.values():
        if condition["kind"] not in _ALWAYS_PLAIN:
            by_kind[condition["kind"]].append(condition)
    rules = []
    for kind, own in sorted(by_kind.items()):
        gains = [condition["gains"] for condition in own]
        names = set.intersection(*(set(g) for g in gains)) - {_PLAIN}
        best, most = _PLAIN, 0.0
        for name in sorted(names):
            mean = float(np.mean([g[name] for g in gains]))
            lost = any(
                c["gains"][name] + _ERRORS * c["errors"][name] < -_LOSS
                for c in own
            )
            if not lost and mean > most:
                best, most = name, mean
        if best != _PLAIN:
            rules.append(
                {
                    "kind": kind,
                    "candidate": best,
                    "least_epochs": 1,
                    "why": f"in our benchmarks on such data ({len(gains)}) it "
                    f"gained {most:.1f} points over plain training in the mean",
                }
            )
    return rules


def choice(rules, kind):
    """The candidate of a kind."""
    for rule in rules:
        if rule["kind"] == kind:
            return rule["candidate"]
    return _PLAIN


def judged(found):
    """Each condition by the rules of the other data sets.

    Args:
        found: dict, as of `conditions`.

    Returns:
        list of (condition, kind, candidate, its gain, the best gain).
    """
    rows = []
    for left_out in sorted({key[0] for key in found}):
        others = {k: v for k, v in found.items() if k[0] != left_out}
        rules = rules_of(others)
        for key, condition in sorted(found.items()):
            if key[0] != left_out:
                continue
            candidate = choice(rules, condition["kind"])
            # Plain training is the baseline itself where it was not run.
            gains = {_PLAIN: 0.0} | condition["gains"]
            rows.append(
                (
                    key,
                    condition["kind"],
                    candidate,
                    gains.get(candidate, 0.0),
                    max(gains.values()),
                )
            )
    return rows


def table(found, rules):
    """The page, as lines."""
    names = sorted({n for c in found.values() for n in c["gains"]})
    lines = [
        "# auto_rules",
        "",
        __doc__.strip(),
        "",
        "## Rules of all data sets",
        "",
        *(f"- {r['kind']}: {r['candidate']}; {r['why']}." for r in rules),
        "",
        "## Gain over plain training at equal compute, in points",
        "",
        "| data | noise | passes | kind | " + " | ".join(names) + " |",
        "|" + "---|" * (4 + len(names)),
    ]
    for (dataset, noise, budget), condition in sorted(found.items()):
        gains = [
            f"{condition['gains'][n]:+.1f}" if n in condition["gains"] else ""
            for n in names
        ]
        lines.append(
            f"| {dataset} | {noise} | {budget} | {condition['kind']} | "
            + " | ".join(gains)
            + " |"
        )
    rows = judged(found)
    own = np.array([row[3] for row in rows])
    best = np.array([row[4] for row in rows])
    lines += [
        "",
        "## Each data set by the rules of the others",
        "",
        f"At or above plain training in {np.sum(own >= 0)} of {len(own)} "
        f"conditions, {own.min():+.1f} points at worst, {np.median(own):+.1f} "
        f"in the median; within 1 point of the best candidate in "
        f"{np.sum(own >= best - 1)}.",
        "",
        "| data | noise | passes | kind | candidate | gain | best gain |",
        "|---|---|---|---|---|---|---|",
    ]
    for (dataset, noise, budget), kind, candidate, gain, most in rows:
        lines.append(
            f"| {dataset} | {noise} | {budget} | {kind} | {candidate} | "
            f"{gain:+.1f} | {most:+.1f} |"
        )
    return [*lines, ""]


def main(argv):
    del argv
    found = conditions(robustness_report.read(FLAGS.work_dir))
    rules = rules_of(found)
    with open(RULES, "w", encoding="utf-8") as stream:
        json.dump({"rules": rules}, stream, indent=1)
        stream.write("\n")
    path = os.path.join(harness.RESULTS, "auto_rules.md")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\n".join(table(found, rules)))
    print("\n".join(table(found, rules)))


if __name__ == "__main__":
    app.run(main)
