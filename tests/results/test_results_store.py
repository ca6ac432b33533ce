import json
import os
import threading

import pytest
from factories import make_result

from lnlbench.errors import DataError, UsageError
from lnlbench.results import ResultStore
from lnlbench.results.store import read_result


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path)


def find(store, result, fingerprint=None):
    method = result.method
    return store.find(
        fingerprint or result.fingerprint,
        track=result.track,
        method=method.name,
        recipe=method.recipe,
        seed=result.seed,
    )


def test_a_saved_result_is_at_its_path_and_is_found(store):
    result = make_result("co-teaching", seed=3, track="digits")
    path = store.save(result)
    name = f"matched-seed3-{result.fingerprint[:8]}.json"
    assert path == store.root / "results" / "digits" / "co-teaching" / name
    assert find(store, result) == result
    assert find(store, result, "0" * 64) is None
    assert store.load_all() == ([result], [])


def test_an_off_track_result_has_its_own_folder(store):
    result = make_result(off_track={"overrides": {"epochs": 1}}, spec={"epochs": 1})
    path = store.save(result)
    assert path.parent == store.root / "results" / "off-track" / result.track / "ce"
    assert find(store, result) == result


def test_a_fingerprint_that_shares_eight_digits_is_not_found(store):
    result = make_result()
    store.save(result)
    assert find(store, result, result.fingerprint[:8] + "0" * 56) is None


def test_finding_a_result_lists_no_folder(store, monkeypatch):
    result = make_result()
    store.save(result)

    def refuse(*_):
        raise AssertionError("a folder was listed")

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, refuse)
    with pytest.raises(AssertionError, match="listed"):
        list(store.folder.rglob("*"))
    assert find(store, result) == result
    assert find(store, result, "0" * 64) is None


def test_a_finished_result_is_kept_unless_told_otherwise(store):
    path = store.save(make_result(accuracy=0.5))
    before = path.read_bytes()
    with pytest.raises(UsageError) as caught:
        store.save(make_result(accuracy=0.75))
    message = str(caught.value)
    assert str(path) in message
    assert "scores.test_accuracy_last10 was 0.5, is 0.75" in message
    assert "--overwrite" in message
    assert path.read_bytes() == before
    store.save(make_result(accuracy=0.75), overwrite=True)
    assert json.loads(path.read_bytes())["scores"]["test_accuracy_last10"] == 0.75


def test_a_failure_does_not_replace_a_finished_result(store):
    store.save(make_result())
    with pytest.raises(UsageError, match="status was 'done', is 'failed'"):
        store.save(make_result(status="failed"))


@pytest.mark.parametrize("status", ["failed", "diverged", "interrupted"])
def test_an_unfinished_result_gives_way(store, status):
    store.save(make_result(status=status))
    store.save(make_result())
    assert [result.status for result in store.load_all()[0]] == ["done"]


def test_one_run_with_another_spec_still_makes_one_claim(store):
    old = make_result(spec={"workers": 1})
    new = make_result(spec={"workers": 2}, accuracy=0.75)
    old_path = store.save(old)
    with pytest.raises(UsageError, match=r"spec.workers was 1, is 2"):
        store.save(new)
    assert store.load_all() == ([old], [])
    store.save(new, overwrite=True)
    assert not old_path.exists()
    assert store.load_all() == ([new], [])


def test_other_seeds_parameters_recipes_and_overrides_live_side_by_side(store):
    results = [
        make_result(),
        make_result(seed=1),
        make_result(seed=11),
        make_result(params={"q": 0.7}),
        make_result(recipe="native"),
        make_result(off_track={"overrides": {"epochs": 1}}, spec={"epochs": 1}),
        make_result(off_track={"overrides": {"epochs": 2}}, spec={"epochs": 2}),
    ]
    for result in results:
        store.save(result)
    loaded, bad = store.load_all()
    assert len(loaded) == len(results)
    assert bad == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EOF"),
        (b"[]", "object"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[" * 100_000, "recursion"),
        (b'{"schema_version": 1}', "Field required"),
        (b'{"seed": NaN}', "Field required"),
    ],
)
def test_a_broken_file_is_reported_and_the_rest_is_read(store, content, reason):
    good = make_result()
    store.save(good)
    broken = store.folder / "digits" / "ce" / "matched-seed0-00000000.json"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(content)
    results, bad = store.load_all()
    assert results == [good]
    assert [file.path for file in bad] == [broken]
    assert str(broken) in bad[0].reason
    assert reason in bad[0].reason


def test_a_folder_named_like_a_result_is_reported(store):
    folder = store.folder / "digits" / "ce" / "matched-seed0-00000000.json"
    folder.mkdir(parents=True)
    assert [file.path for file in store.load_all()[1]] == [folder]


def test_a_pipe_named_like_a_result_is_reported_and_not_waited_for(store):
    store.folder.mkdir(parents=True)
    os.mkfifo(store.folder / "result.json")
    assert "it is a pipe" in store.load_all()[1][0].reason


def test_a_pipe_that_a_user_names_is_read(store, tmp_path):
    # As in lnlbench verify <(command).
    text = store.save(make_result()).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(text,))
    writer.start()
    assert read_result(pipe) == make_result()
    writer.join()


def test_a_file_in_the_wrong_place_is_not_loaded(store):
    path = store.save(make_result(track="digits"))
    elsewhere = store.folder / "cifar100n-scratch" / "ce" / path.name
    elsewhere.parent.mkdir(parents=True)
    path.rename(elsewhere)
    results, bad = store.load_all()
    assert results == []
    assert str(path) in bad[0].reason


def test_find_stops_at_a_broken_file_before_a_run_is_wasted(store):
    result = make_result()
    path = store.save(result)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="not a valid result"):
        find(store, result)
    with pytest.raises(UsageError, match="--overwrite"):
        store.save(result)
    store.save(result, overwrite=True)
    assert find(store, result) == result


def test_load_all_can_keep_to_one_track(store):
    digits = make_result(track="digits")
    changed = make_result(
        track="digits", off_track={"overrides": {"epochs": 1}}, spec={"epochs": 1}
    )
    for result in (digits, changed, make_result(track="digits2")):
        store.save(result)
    assert store.load_all("digits") == ([digits, changed], [])
    assert store.load_all("no-such-track") == ([], [])
