"""Documents and pickles that would keep Python busy, crash it, or fill a screen are refused."""

import io
import pickle
import zipfile

import pytest
import torch
from cli import call

from lnlbench.data.pickles import read_pickle, read_torch_pickle
from lnlbench.errors import DataError, shown
from lnlbench.networks.weights import read_weights
from lnlbench.system.documents import MAX_DEPTH, Unbounded, parse_json, parse_toml

BRACKETS = 100_000
CE = ("--method", "ce", "--track", "digits")


@pytest.mark.parametrize(
    "text",
    [
        "[" * BRACKETS,
        "[" * BRACKETS + "]" * BRACKETS,
        '{"a":' * 200 + "1" + "}" * 200,
        "9" * 5000,
        "9" * 400,
        '{"a": -' + "1" * 301 + "}",
    ],
)
def test_json_without_bounds_is_refused(text):
    with pytest.raises(Unbounded):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * BRACKETS,
        "a = " + "[" * 200 + "]" * 200,
        ".".join("a" * BRACKETS) + " = 1",
        "[" + ".".join(["x y".replace(" ", "_")] * 200) + "]",
        "a = 0x" + "f" * 300,
    ],
)
def test_toml_without_bounds_is_refused(text):
    with pytest.raises(Unbounded):
        parse_toml(text)


def test_documents_within_the_bounds_are_read():
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_json(deep) is not None
    assert parse_json("1" * 300) == int("1" * 300)
    assert parse_toml("a.b.c = [1.5, 2.5, 3.5]") == {"a": {"b": {"c": [1.5, 2.5, 3.5]}}}


def test_a_quoted_value_is_bounded():
    deep = value = []
    for _ in range(5000):
        value.append([])
        value = value[0]
    assert len(shown(deep)) < 500
    assert len(shown("x" * 100_000)) < 500
    assert len(shown({str(key): list(range(10**4)) for key in range(100)})) < 1000


@pytest.mark.parametrize("value", ["[" * BRACKETS, "9" * 5000, '{"a":' * 500], ids=len)
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", *CE, "--print-spec", "--set"),
        ("plan", *CE, "--override"),
        ("plan", *CE, "--set"),
        ("tune", "--method", "gce", "--track", "digits", "--search"),
        ("run", *CE, "--print-spec", "--dataset", "x", "--set-data"),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1]}",
)
def test_a_value_of_the_command_line_without_bounds_is_refused(arguments, value, tmp_path):
    outcome = call(*arguments, f"lr={value}", "--output", tmp_path)
    assert outcome.code == 2
    assert len(outcome.err) < 2000


@pytest.mark.parametrize("text", ["[" * BRACKETS, "9" * 5000, '{"spec":' * 500], ids=len)
def test_a_spec_or_recipe_without_bounds_is_refused(text, tmp_path):
    file = tmp_path / "file"
    file.write_text(text)
    for arguments in (("run", "--spec", file), ("run", *CE, "--recipe-file", file)):
        outcome = call(*arguments, "--output", tmp_path)
        assert outcome.code == 2
        assert len(outcome.err) < 2000


@pytest.mark.parametrize(
    ("assignment", "named"),
    [
        ('batch_size={"a":1}', "--batch-size"),
        ("dataset=[[1]]", "dataset"),
        ('noise={"a":1}', "noise"),
        ("backbone=1", "backbone"),
        ("optimizer=1", "optimizer"),
        ("pretrained=1", "pretrained"),
        ("embedding=[[1]]", "embedding"),
    ],
)
def test_an_override_of_a_wrong_kind_names_its_field(assignment, named):
    outcome = call("plan", *CE, "--override", assignment)
    assert outcome.code == 2
    assert named in outcome.err


def shared_tuple(levels):
    """A tuple of 2**levels nodes in a few bytes: to hash it takes years from 45 levels on."""
    code = b"\x80\x02}("
    code += b"K\x01"
    for level in range(levels):
        code += b"q" + bytes([level]) + b"h" + bytes([level]) + b"\x86"
    return code + b"K\x02u."


def nested_tuple(levels):
    return b"\x80\x02}(K\x01" + b"\x85" * levels + b"K\x02u."


LONG = b"\x80\x02}(\x8b" + (1 << 20).to_bytes(4, "little") + bytes([1]) * (1 << 20) + b"K\x02u."
HOSTILE = {
    "a key that is hashed for years": shared_tuple(45),
    "a key nested a million deep": nested_tuple(1_000_000),
    "a key nested 5000 deep": nested_tuple(5000),
    "a key of a million digits": LONG,
    "a memo place of gigabytes": b"\x80\x02}r\xff\xff\xff\xff.",
    "bytes of exabytes": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.",
    "a frame of exabytes": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f.",
    "a set of tuples": b"\x80\x04\x8f(" + shared_tuple(45)[4:-4] + b"\x90.",
}


def torch_file(path, pickled):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, buffer)
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(path, "w") as changed:
        for member in whole.infolist():
            content = whole.read(member)
            is_pickle = member.filename.endswith("data.pkl")
            changed.writestr(member.filename, pickled if is_pickle else content)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pickled", HOSTILE.values(), ids=HOSTILE)
def test_a_pickle_without_bounds_is_refused_at_each_door(tmp_path, pickled):
    plain, packed = tmp_path / "meta", tmp_path / "file.pth"
    plain.write_bytes(pickled)
    torch_file(packed, pickled)
    old = tmp_path / "old.pth"
    old.write_bytes(pickled)
    for read, file in (
        (read_pickle, plain),
        (read_torch_pickle, packed),
        (read_weights, packed),
        (read_weights, old),
    ):
        with pytest.raises(DataError) as caught:
            read(file)
        assert len(str(caught.value)) < 1000


def test_ordinary_weights_of_both_formats_are_read(tmp_path):
    weights = {"a": torch.arange(3.0), "b": torch.nn.Parameter(torch.ones(2, 2))}
    for name, new in (("new.pth", True), ("old.pth", False)):
        torch.save({"state_dict": weights}, tmp_path / name, _use_new_zipfile_serialization=new)
        found = read_weights(tmp_path / name)
        assert found.keys() == weights.keys()
        assert torch.equal(found["a"], weights["a"])


def test_a_value_that_is_no_text_is_no_key_of_an_array(tmp_path):
    file = tmp_path / "meta"
    file.write_bytes(pickle.dumps({b"fine_label_names": [[[1]]], b"data": {}}, protocol=2))
    assert read_pickle(file)["fine_label_names"] == [[[1]]]
