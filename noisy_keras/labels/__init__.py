"""Judging labels: losses divided, wrong labels detected, audits."""
