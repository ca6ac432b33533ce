"""Random damage to everything that is read: each input is taken or refused, within ten seconds."""

import contextlib
import random
import signal
import time

import pytest
from doors import Door, doors, image_door

from lnlbench.errors import LnlbenchError

# Samples of these doors are whole files of too few images, or of no run that exists.
NEVER_TAKEN = ("CIFAR pickle", "tune plan")
QUICK, LONG = 2_000, 20_000
SECONDS = 10
TOKENS = [
    *(b"[" * 5000, b'{"a":' * 300, b"9" * 5000, b"1e999", b"-0", b"NaN", b"null", b'"\\ud800"'),
    *(b"\x85" * 3000, b"\x86q\x01h\x01" * 40, b"r\xff\xff\xff\xff", b"\x8b\xff\xff\xff\x7f"),
    *(b"\0" * 9, b"\xff" * 9, b"\x1b[2J", b"\xe2\x80\xae", b"..", b"=", b",", b"\n", b"a." * 2000),
]


def damaged(sample, random_):
    """The sample with one to four changes."""
    data = bytearray(sample)
    for _ in range(random_.randint(1, 4)):
        place = random_.randrange(len(data) + 1)
        match random_.randrange(6):
            case 0:
                del data[place:]
            case 1:
                data[place:place] = random_.choice(TOKENS)
            case 2:
                del data[place : place + random_.randint(1, 8)]
            case 3:
                data[place : place + 4] = random_.randbytes(4)
            case 4:
                data[place:place] = data[place : place + random_.randint(1, 64)]
            case 5 if place < len(data):
                data[place] ^= 1 << random_.randrange(8)
    return bytes(data)


class Hung(BaseException):
    """An input took longer than it may."""


@contextlib.contextmanager
def limited():
    def stop(number, frame):
        raise Hung

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attack(name: str, door: Door, count: int, folder) -> tuple[int, list[str]]:
    """How many of `count` inputs a door takes, and its faults; the first inputs are the samples."""
    random_ = random.Random(f"doors {name}")
    taken, faults = 0, []
    for number in range(count):
        whole = number < len(door.samples)
        sample = door.samples[number] if whole else random_.choice(door.samples)
        data = sample if whole else damaged(sample, random_)
        file = folder / f"{number}{door.suffix}"
        file.write_bytes(data)
        try:
            with limited():
                door.enter(file)
            taken += 1
        except LnlbenchError:
            pass
        except (Exception, Hung) as error:
            faults.append(f"{name}, input {number}: {type(error).__name__}: {str(error)[:300]}")
        file.unlink(missing_ok=True)
    return taken, faults


def attack_all(total, folder, capsys):
    executed = folder / "executed"
    everything = doors(folder, executed)
    images = image_door()
    if images is not None:
        everything["image"] = images
    faults, lines = [], []
    for name, door in everything.items():
        began = time.monotonic()
        count = -(-total // len(everything))
        taken, found = attack(name, door, count, folder)
        seconds = time.monotonic() - began
        lines.append(f"{name}: {count} inputs, {taken} taken, {len(found)} faults, {seconds:.2f} s")
        faults += found
        if name not in NEVER_TAKEN:
            assert taken, f"{name} takes nothing, not even its own samples"
    with capsys.disabled():
        print("\n" + "\n".join(lines))  # noqa: T201
    assert faults == []
    assert not executed.exists(), "code of a pickle was executed"


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM to end a hang")
def test_2000_inputs_are_taken_or_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    attack_all(QUICK, tmp_path, capsys)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM to end a hang")
def test_20000_inputs_are_taken_or_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LNLBENCH_CACHE_DIR", str(tmp_path / "cache"))
    attack_all(LONG, tmp_path, capsys)
