"""Results of a sweep in its store: pulled, pushed, and never replaced."""

import json
from types import SimpleNamespace

import pytest
from stores import Site

from lnlbench.errors import RunError, UsageError
from lnlbench.results.store import result_bytes
from lnlbench.sweep.store.lease import Lease
from lnlbench.sweep.store.results import StoreResults

TRACK = "cifar100n-resnet34"
PLACE = f"leaderboards/results/{TRACK}/ce"


@pytest.fixture
def other(tmp_path, store):
    """A machine that has only pulled."""
    return Site(tmp_path / "other", store)


def test_results_reach_another_machine_through_the_store(site, other):
    for changes in ({}, {"seed": 1, "status": "failed"}, {"method": "dividemix"}):
        site.results.push(site.save(**changes)[1])
    site.results.push(site.save(track="digits")[1])
    other.results.pull([TRACK])
    expected = {name: data for name, data in site.files().items() if "digits" not in name}
    assert len(expected) == 3
    assert other.files() == expected
    other.results.pull([TRACK, "digits"])
    assert other.files() == site.files()
    assert site.results.finish()
    assert site.said == other.said == []


def test_what_only_this_machine_has_is_pushed(site, other, store):
    result, file = site.save()
    names = {"track": TRACK, "method": "ce", "recipe": "matched", "seed": 0}
    site.results.pull([TRACK])
    site.results.push_missing([SimpleNamespace(fingerprint=result.fingerprint, **names)])
    assert store.read(f"{PLACE}/{file.name}") == file.read_bytes()


def test_a_finished_result_replaces_a_failure_and_is_never_replaced(site, other, store):
    failed, file = site.save(status="failed")
    site.results.push(file)
    done, file = site.save()
    site.results.push(file)
    assert store.read(f"{PLACE}/{file.name}") == result_bytes(done)

    other.save(status="failed")
    other.results.pull([TRACK])
    assert list(other.files().values()) == [result_bytes(done)]

    file.write_bytes(result_bytes(failed))
    site.results.push(file)
    assert store.read(f"{PLACE}/{file.name}") == result_bytes(done)
    assert not site.results.finish()
    [said] = site.said
    assert store.url in said
    assert f"{file} hold different finished results" in said


def test_another_finished_result_is_named_on_both_sides(site, other, store):
    _, file = site.save(accuracy=0.5)
    site.results.push(file)
    _, mine = other.save(accuracy=0.6)
    before = other.files()
    with pytest.raises(UsageError) as refused:
        other.results.pull([TRACK])
    for part in (str(mine), store.url_of(f"{PLACE}/{file.name}"), "scores", "Remove the one"):
        assert part in str(refused.value)
    assert other.files() == before

    # One that this sweep makes meets one that has come since.
    site.output = other.output
    late = Site(other.output, store)
    late.lease = site.lease
    late.results = StoreResults(store, site.lease, other.output, late.said.append)
    late.results.push(mine)
    assert not late.results.finish()
    assert store.read(f"{PLACE}/{file.name}") == file.read_bytes()
    assert "hold different finished results" in late.said[0]


def test_what_is_no_result_is_left_out_and_said(site, other, store):
    _, file = site.save()
    store.write(f"{PLACE}/broken.json", b"{")
    store.write(f"{PLACE}/elsewhere.json", file.read_bytes())
    store.write(f"{PLACE}/note.txt", b"x")
    other.results.pull([TRACK])
    assert other.files() == {}
    assert sorted("broken" in said for said in other.said) == [False, True]
    assert all("left out" in said for said in other.said)


def test_a_damaged_file_here_is_named_and_kept(site, other):
    site.results.push(site.save()[1])
    file = other.save()[1]
    file.write_bytes(b"{")
    with pytest.raises(UsageError, match=f"{file} is not a valid result.*Delete it"):
        other.results.pull([TRACK])
    assert file.read_bytes() == b"{"


def test_a_result_waits_for_a_store_that_is_away(site, store):
    _, file = site.save()
    site.store.fails = lambda name: True
    site.results.push(file)
    assert f"stays in {file}" in site.said[0]
    assert not site.results.finish()
    assert "the same command brings them" in site.said[-1]
    site.store.fails = lambda name: False
    assert site.results.finish()
    assert store.read(f"{PLACE}/{file.name}") == file.read_bytes()


def test_nothing_is_pushed_without_the_lease(site, store):
    _, file = site.save()
    token = json.loads(store.read("sweep.lock"))["token"]
    with (
        Lease(store).held(token, pytest.fail),
        pytest.raises(RunError, match="taken over"),
    ):
        site.results.push(file)
    assert store.names("leaderboards") == []
