"""Tables as spreadsheets save them are read alike, or refused with the line that is wrong."""

import gzip

import pytest

from lnlbench.audit.tables import read_label_table
from lnlbench.data.table_file import read_table
from lnlbench.errors import DataError

ROWS = [["path", "label"], ["a,1.png", "café"], ["b;2.png", "007"], ["c.png", "NA"]]


def table(separator):
    quoted = [[f'"{cell}"' if set(cell) & set(",;") else cell for cell in row] for row in ROWS]
    return "".join(separator.join(row) + "\r\n" for row in quoted)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separator_and_encoding_are_recognized(tmp_path, separator, encoding):
    file = tmp_path / "labels.csv"
    file.write_bytes(table(separator).encode(encoding))
    frame = read_table(file)
    assert [list(frame.columns), *frame.to_numpy().tolist()] == ROWS


def test_a_compressed_table_is_read(tmp_path):
    file = tmp_path / "labels.csv.gz"
    file.write_bytes(gzip.compress(table(",").encode()))
    assert read_table(file).to_numpy().tolist() == ROWS[1:]


def test_a_table_of_one_column_is_read(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("label\na\nb\n")
    assert read_table(file).to_numpy().tolist() == [["a"], ["b"]]


def test_an_audit_names_the_line_that_is_not_utf_8(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_bytes(table(";").encode("latin-1"))
    with pytest.raises(DataError, match=r"line 2 is not UTF-8 text \(byte 0xe9\)\. Save the table"):
        read_label_table(file)


def test_a_cut_table_of_utf_16_is_refused(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_bytes(table(",").encode("utf-16")[:-1])
    with pytest.raises(DataError, match="not UTF-16 text"):
        read_label_table(file)
