import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from data_fakes import write_pickle, write_torch_pickle
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.data.pickles import MAX_BYTES, read_pickle, read_torch_pickle
from lnlbench.errors import DataError


class Runs:
    """Pickles to a call of any function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", ">i8"])
def test_arrays_come_back_as_they_were(tmp_path, protocol, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    write_pickle(tmp_path / "f", {b"a": array, "names": ["x"], "n": [1, 2]}, protocol)
    content = read_pickle(tmp_path / "f")
    assert np.array_equal(content["a"], array)
    assert content["a"].dtype == array.dtype
    assert (content["names"], content["n"]) == (["x"], [1, 2])


def test_column_order_is_kept(tmp_path):
    array = np.asfortranarray(np.arange(12).reshape(3, 4))
    write_pickle(tmp_path / "f", {"a": array})
    assert np.array_equal(read_pickle(tmp_path / "f")["a"], array)


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_both_homes_of_numpy_are_known(tmp_path, module):
    data = pickle.dumps({"a": np.arange(3)}, protocol=2)
    for home in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        data = data.replace(home, module)
    assert module in data
    (tmp_path / "f").write_bytes(data)
    assert read_pickle(tmp_path / "f")["a"].tolist() == [0, 1, 2]


def test_python_2_strings_are_read(tmp_path):
    # {'a': ['b'], 'c': 1} as Python 2 wrote it, with byte-string opcodes
    (tmp_path / "f").write_bytes(b"\x80\x02}q\x00(U\x01aq\x01]q\x02U\x01bq\x03aU\x01cq\x04K\x01u.")
    assert read_pickle(tmp_path / "f") == {"a": [b"b"], "c": 1}


HOSTILE = [
    (os.system, "touch {}"),
    (eval, "open({!r}, 'w')"),
    (open, "{}", "w"),
]


@pytest.mark.parametrize("call", HOSTILE, ids=lambda call: call[0].__name__)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, call, protocol):
    trap = tmp_path / "trap"
    function, *arguments = call
    hostile = Runs(function, *(argument.format(str(trap)) for argument in arguments))
    write_pickle(tmp_path / "train", {"data": hostile}, protocol)
    with pytest.raises(DataError) as caught:
        read_pickle(tmp_path / "train")
    assert str(tmp_path / "train") in str(caught.value)
    assert f".{function.__name__}'" in str(caught.value)
    assert not trap.exists()


def test_a_hostile_label_file_is_refused_and_not_run(tmp_path):
    trap = tmp_path / "trap"
    path = tmp_path / "CIFAR-100_human.pt"
    write_torch_pickle(path, {"clean_label": Runs(os.system, f"touch {trap}")})
    with pytest.raises(DataError, match=r"CIFAR-100_human\.pt was refused.*system"):
        read_torch_pickle(path)
    assert not trap.exists()


def test_numpy_functions_beyond_the_list_are_refused(tmp_path):
    write_pickle(tmp_path / "f", {"a": Runs(np.fromfile, "/etc/passwd")})
    with pytest.raises(DataError, match="fromfile"):
        read_pickle(tmp_path / "f")


def test_object_arrays_are_refused(tmp_path):
    write_pickle(tmp_path / "f", {"a": np.array([{}, []], dtype=object)})
    with pytest.raises(DataError, match=r"array of type 'O8'"):
        read_pickle(tmp_path / "f")


def test_other_codecs_are_refused(tmp_path):
    import _codecs

    write_pickle(tmp_path / "f", {"a": Runs(_codecs.encode, "text", "rot13")})
    with pytest.raises(DataError, match="rot13"):
        read_pickle(tmp_path / "f")


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path):
    data = pickle.dumps({"a": np.zeros(7, np.uint8)}, protocol=2)
    claimed = data.replace(b"K\x07\x85", b"J" + struct.pack("<i", 2**31 - 1) + b"\x85")
    assert claimed != data
    (tmp_path / "f").write_bytes(claimed)
    with pytest.raises(DataError, match="truncated or corrupted"):
        read_pickle(tmp_path / "f")


def test_a_memo_place_that_would_take_gigabytes_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"\x80\x02}r\xff\xff\xff\x7f.")
    with pytest.raises(DataError, match="memo place 2147483647"):
        read_pickle(tmp_path / "f")


def test_a_class_stand_in_cannot_be_changed_by_a_pickle(tmp_path):
    # BUILD on the name numpy.ndarray itself, which would set attributes on the stand-in class
    (tmp_path / "f").write_bytes(b"\x80\x02cnumpy\nndarray\nN}U\x05valueK\x01s\x86b.")
    with pytest.raises(DataError):
        read_pickle(tmp_path / "f")
    write_pickle(tmp_path / "good", {"a": np.arange(3)})
    assert read_pickle(tmp_path / "good")["a"].tolist() == [0, 1, 2]


@settings(max_examples=60)
@given(st.data())
def test_a_truncated_file_is_reported_at_every_length(tmp_path_factory, data):
    whole = pickle.dumps({"data": np.arange(40, dtype=np.uint8), "labels": list(range(40))}, 2)
    path = tmp_path_factory.mktemp("cut") / "train"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(DataError, match="truncated or corrupted") as caught:
        read_pickle(path)
    assert "lnlbench data fetch" in str(caught.value)


@settings(max_examples=150)
@given(st.data())
def test_any_damage_is_a_data_error_or_a_dictionary(tmp_path_factory, data):
    whole = bytearray(pickle.dumps({"data": np.arange(9, dtype=np.uint8), "labels": [1, 2]}, 2))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(whole) - 1))
        whole[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "train"
    path.write_bytes(bytes(whole))
    try:
        assert isinstance(read_pickle(path), dict)
    except DataError as error:
        assert str(path) in str(error)


def test_a_truncated_label_file_is_reported(tmp_path):
    path = tmp_path / "labels.pt"
    write_torch_pickle(path, {"clean_label": np.arange(500)})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="truncated or corrupted"):
        read_torch_pickle(path)


def test_a_label_file_with_flipped_bytes_is_reported(tmp_path):
    path = tmp_path / "labels.pt"
    write_torch_pickle(path, {"clean_label": np.arange(500)})
    data = bytearray(path.read_bytes())
    data[1000] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="truncated or corrupted"):
        read_torch_pickle(path)


def test_a_zip_without_a_pickle_is_not_a_label_file(tmp_path):
    path = tmp_path / "labels.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "nothing")
    with pytest.raises(DataError, match=r"not a label file.*0 'data.pkl'"):
        read_torch_pickle(path)


def test_a_label_file_of_tensors_is_refused(tmp_path):
    import torch

    torch.save({"clean_label": torch.arange(3)}, tmp_path / "labels.pt")
    with pytest.raises(DataError, match=r"labels\.pt"):
        read_torch_pickle(tmp_path / "labels.pt")


def test_what_torch_writes_for_numpy_is_read(tmp_path):
    import torch

    content = {"clean_label": np.arange(4), "noisy_coarse_label": [3, 2, 1, 0]}
    torch.save(content, tmp_path / "labels.pt")
    found = read_torch_pickle(tmp_path / "labels.pt")
    assert found["clean_label"].tolist() == [0, 1, 2, 3]
    assert found["noisy_coarse_label"] == [3, 2, 1, 0]


def test_a_pickle_that_is_no_dictionary_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(DataError, match="holds a list"):
        read_pickle(tmp_path / "f")


def test_a_missing_file_and_a_huge_one(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_pickle(tmp_path / "nothing")
    with (tmp_path / "huge").open("wb") as stream:
        stream.seek(MAX_BYTES)
        stream.write(b".")
    with pytest.raises(DataError, match="no data file is larger"):
        read_pickle(tmp_path / "huge")


def test_the_reader_agrees_with_plain_unpickling_on_honest_files(tmp_path):
    content = {"data": np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8), "l": [4, 5]}
    write_pickle(tmp_path / "f", content)
    plain = pickle.load(io.BytesIO((tmp_path / "f").read_bytes()))
    found = read_pickle(tmp_path / "f")
    assert np.array_equal(found["data"], plain["data"]) and found["l"] == plain["l"]
