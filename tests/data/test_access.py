"""Reading of data sets can be refused, by whatever function they are read."""

import pytest

from lnlbench.data import load_dataset
from lnlbench.data.access import announce_reading, reading_refused
from lnlbench.data.cifar import CIFAR100, read_cifar
from lnlbench.data.digits import load_digits_dataset
from lnlbench.data.human import CIFAR100N
from lnlbench.data.load import load_cifar
from lnlbench.errors import LnlbenchError


def refuse(name):
    raise LnlbenchError(f"not {name}")


READERS = {
    "by name": lambda folder: load_dataset("cifar100", folder),
    "digits by name": lambda folder: load_dataset("digits"),
    "digits": lambda folder: load_digits_dataset(),
    "files": lambda folder: read_cifar(folder, CIFAR100),
    "files or their copy": lambda folder: load_cifar("cifar100", folder, CIFAR100, CIFAR100N),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_way_to_read_is_refused(read, tmp_path):
    with reading_refused(refuse), pytest.raises(LnlbenchError, match=r"^not (cifar-?100|digits)"):
        read(tmp_path)


def test_a_refusal_ends_with_its_block_even_after_an_error():
    with pytest.raises(LnlbenchError, match="not digits"), reading_refused(refuse):
        announce_reading("digits")
    announce_reading("digits")
    assert len(load_digits_dataset().test_labels) == 500
