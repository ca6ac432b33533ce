"""Threads sleep while they wait for each other, unless the user wants it otherwise."""

import os

import pytest

from lnlbench.system.waiting import wait_passively


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ({}, "PASSIVE"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"),
        ({"GOMP_SPINCOUNT": "1000"}, None),
        ({"KMP_BLOCKTIME": "0"}, None),
    ],
)
def test_the_environment_decides_how_threads_wait(monkeypatch, given, policy):
    monkeypatch.setattr(os, "environ", dict(given))
    wait_passively()
    assert os.environ.get("OMP_WAIT_POLICY") == policy
