"""Artifacts: a mentor learned by one run and loaded by another, and files that are none."""

import json

import torch
from cli import call, directory_of
from safetensors.torch import save_file

from lnlbench.interface.artifacts import import_artifacts, read_artifact, write_artifact
from lnlbench.methods.mentornet_dd import MentorNetDD
from lnlbench.pieces.mentor_network import MentorNetwork
from lnlbench.testing.small_runs import make_run

SHORT = ("--track", "digits", "--epochs", "4", "--limit-train", "150", "--limit-test", "40")
DD = ("run", "--method", "mentornet-dd", *SHORT)


def test_a_mentor_moves_from_one_track_to_another(tmp_path):
    """Through the real entry point: learned here, used there, named by its hash in the spec."""
    cache = {"LNLBENCH_CACHE_DIR": str(tmp_path / "cache")}
    first, second = tmp_path / "first", tmp_path / "second"
    made = call(*DD, "--set", "mentor_steps=20", "--output", first, "--quiet", **cache)
    assert made.code == 0, made.err
    file = directory_of(first).path / "mentor.safetensors"
    artifact = read_artifact(file)
    own = json.loads((directory_of(first).path / "result.json").read_text())
    assert artifact.about["kind"] == "mentornet"
    assert artifact.about["spec"] == own["spec"]
    assert artifact.about["labels_sha256"] == own["data"]["labels_sha256"]
    assert artifact.about["environment"]["lnlbench"] == own["environment"]["lnlbench"]
    assert own["method"]["oracle"] == ["clean_subset"]
    [event] = own["events"]
    assert event["event"] == "mentor learned"
    assert not (tmp_path / "cache" / "artifacts").exists(), "nothing was loaded yet"

    elsewhere = (*DD, "--noise", "symmetric:0.3", "--output", second, "--set", f"mentor={file}")
    spec = json.loads(call(*elsewhere, "--print-spec", **cache).out)
    assert len(spec["params"]["mentor"]) == 64
    file.rename(tmp_path / "gone.safetensors")
    # From the spec alone: the cache has the file by now.
    used = call("run", "--spec", "-", "--output", second, stdin=json.dumps(spec), **cache)
    assert used.code == 0, used.err
    result = json.loads((directory_of(second).path / "result.json").read_text())
    assert result["events"] == []
    assert result["method"]["oracle"] == ["clean_subset"]
    assert not (directory_of(second).path / "mentor.safetensors").exists()
    missing = call(
        "run", "--spec", "-", "--output", tmp_path / "third", stdin=json.dumps(spec),
        LNLBENCH_CACHE_DIR=str(tmp_path / "empty"),
    )  # fmt: skip
    assert missing.code == 2
    assert "is not in the cache" in missing.err
    assert "--set NAME=FILE" in missing.err


def test_a_loaded_mentor_is_used_without_a_look_at_clean_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path))
    path = tmp_path / "mentor.safetensors"
    mentor = MentorNetwork(torch.Generator().manual_seed(3))
    write_artifact(path, mentor.state_dict(), {"kind": "mentornet", "learned_until": 40})
    named = import_artifacts(MentorNetDD.Params, {"mentor": str(path)})
    method = MentorNetDD(MentorNetDD.Params(**named))
    method.fit(make_run())  # without any oracle
    for name, value in mentor.state_dict().items():
        assert torch.equal(method.mentor.state_dict()[name], value)
    assert method.learned_until == 40
    assert method.clean_probability() is not None


def test_bad_mentors_are_refused_before_anything_runs(tmp_path):
    broken, foreign, other = (tmp_path / f"{name}.safetensors" for name in "abc")
    broken.write_bytes(b"no safetensors")
    save_file({"x": torch.zeros(2)}, foreign)
    write_artifact(other, {"x": torch.zeros(2)}, {"kind": "something"})
    for value, reasons in {
        tmp_path / "missing": ("Cannot read the artifact", "missing"),
        broken: ("not a whole safetensors file", "a.safetensors"),
        foreign: ("not an artifact of lnlbench", "b.safetensors"),
        other: ("'mentornet'", "'something'"),
        "f" * 64: ("is not in the cache",),
    }.items():
        outcome = call(
            *DD, "--set", f"mentor={value}", "--output", tmp_path / "out",
            LNLBENCH_CACHE_DIR=str(tmp_path / "cache"),
        )  # fmt: skip
        assert outcome.code != 0
        assert "Traceback" not in outcome.err
        for reason in reasons:
            assert reason in outcome.err
    assert not (tmp_path / "out" / "runs").exists()


def test_a_damaged_copy_in_the_cache_is_not_used(tmp_path):
    path = tmp_path / "mentor.safetensors"
    mentor = MentorNetwork(torch.Generator().manual_seed(3))
    write_artifact(path, mentor.state_dict(), {"kind": "mentornet", "learned_until": 40})
    cache = {"LNLBENCH_CACHE_DIR": str(tmp_path / "cache")}
    arguments = (*DD, "--set", f"mentor={path}", "--output", tmp_path)
    spec = call(*arguments, "--print-spec", **cache).out
    [copy] = (tmp_path / "cache").rglob("*.safetensors")
    copy.write_bytes(copy.read_bytes()[:-4] + b"none")
    outcome = call("run", "--spec", "-", "--output", tmp_path, stdin=spec, **cache)
    assert outcome.code != 0
    assert "damaged" in outcome.err
    # Given again, the file takes the damaged copy's place.
    assert call(*arguments, "--print-spec", **cache).out == spec
    assert copy.read_bytes() == path.read_bytes()
