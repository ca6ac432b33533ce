"""Run a script of a method's authors on lnlbench's images, with lnlbench's network and weights.

python docs/notebook/run_authors_code.py --method elr --code ELR --seed 0 --output parity

`--code` is a checkout of the authors' repository at the commit in `SCRIPTS`; it is copied, and only
the copy is changed. Every change is in this file: a text that takes the place of another in one
line (`changes`), and stand-ins for what a CPU and a current torch do not have. Writes
`OUTPUT/authors/METHOD-seedS.json` with a curve for each score; leaves it alone if it is there.
"""

import argparse
import contextlib
import json
import os
import re
import runpy
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import stand_ins
import torch
from shared_images import EPOCHS, SharedImages, shared_images, write_shared_images
from torch import nn

from lnlbench.networks.build import build_backbone
from lnlbench.seeds import seed_for
from lnlbench.system.atomic import write_atomically

WARMUP, FORGET_RATE, RAMP_UP = 3, 0.26, 5


@dataclass(frozen=True)
class Script:
    """An authors' script: what it is called with, what is changed, how it prints its accuracy."""

    commit: str
    path: str
    arguments: str
    changes: tuple[tuple[str, int, str, str], ...]
    accuracy: str
    prepare: Callable[[SharedImages, Callable[..., nn.Module]], dict[str, list[float]]]
    folder: str = "."
    evaluated_before: int = 0


SIZES = (("50000", "4000"), ("10000", "2560"))
SCRIPTS = {
    "dividemix": Script(
        commit="d9d3058fa69a952463b896f84730378cdee6ec39",
        path="Train_cifar.py",
        # The script trains one epoch more than it is told.
        arguments=f"--dataset cifar100 --num_class 20 --num_epochs {EPOCHS - 1} --r 0.3 "
        "--data_path cifar-100-python --seed {seed}",
        changes=(
            ("Train_cifar.py", 167, *SIZES[0]),
            ("Train_cifar.py", 221, "30", str(WARMUP)),
            ("Train_cifar.py", 223, "num_workers=5", "num_workers=0"),
            ("Train_cifar.py", 244, "150", str(EPOCHS // 2)),
            ("dataloader_cifar.py", 36, *SIZES[1]),
            ("dataloader_cifar.py", 53, *SIZES[0]),
        ),
        accuracy=r"Test Epoch #\d+\s+Accuracy: ([\d.]+)%",
        prepare=stand_ins.for_dividemix,
    ),
    "co-teaching": Script(
        commit="7c7fbe23e15e517db76a0882b6d108e4508e09d6",
        path="main.py",
        arguments=f"--dataset cifar100 --noise_type symmetric --noise_rate {FORGET_RATE} "
        f"--num_gradual {RAMP_UP} --num_workers 0 --seed {{seed}}",
        changes=(
            ("main.py", 92, "100", "20"),
            # Its first epoch is evaluated only, so numbers of epochs are one larger than ours.
            ("main.py", 94, "100", str(EPOCHS // 2 + 1)),
            ("main.py", 95, "200", str(EPOCHS + 1)),
            ("main.py", 162, "view(-1)", "reshape(-1)"),
            ("loss.py", 10, "np.argsort(loss_1.data)", "torch.argsort(loss_1.data)"),
            ("loss.py", 14, "np.argsort(loss_2.data)", "torch.argsort(loss_2.data)"),
            ("data/cifar.py", 256, *SIZES[0]),
            ("data/cifar.py", 279, *SIZES[1]),
        ),
        accuracy=r"test images: Model1 ([\d.]+) %",
        prepare=stand_ins.for_co_teaching,
        evaluated_before=1,
    ),
    "elr": Script(
        commit="934af53434a336b6db80d05d7649d23216e8ca6d",
        path="train.py",
        arguments="--config config.json --seed {seed}",
        changes=(("train.py", 59, "num_workers=2", "num_workers=0"),),
        accuracy=r"test_my_metric *: ([\d.]+)",
        prepare=stand_ins.for_elr,
        folder="ELR",
    ),
    "ce": Script(
        commit="49df7d8a69e355470c77c1c2f2424916325a394b",
        path="main.py",
        arguments=f"--dataset cifar100 --noise_type noisy100 --is_human --n_epoch {EPOCHS} "
        "--noise_path labels.pt --num_workers 0 --seed {seed}",
        changes=(
            ("main.py", 79, "best_acc_", "''"),
            ("main.py", 138, "60", "6"),
            ("main.py", 138, "40", "4"),
            ("data/cifar.py", 293, *SIZES[0]),
            ("data/cifar.py", 336, *SIZES[1]),
            ("data/datasets.py", 61, "100", "20"),
        ),
        accuracy=r"test acc on test images is +([\d.]+)",
        prepare=stand_ins.for_ce,
    ),
}


def changed_copy(script: Script, code: Path, place: Path) -> None:
    """Copy the authors' files and change the lines that `script` names.

    Raises:
        SystemExit: a line does not hold the text that is to be replaced: another commit.
    """
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(code / script.folder, place, ignore=shutil.ignore_patterns(".git", "img"))
    for name, number, old, new in script.changes:
        file = place / name
        lines = file.read_text(encoding="utf-8").split("\n")
        if old not in lines[number - 1]:
            raise SystemExit(
                f"Line {number} of {name} has no {old!r}. Check out {script.commit} in {code}."
            )
        lines[number - 1] = lines[number - 1].replace(old, new)
        file.write_text("\n".join(lines), encoding="utf-8")


def our_networks(seed: int, network: Callable[[nn.Module], nn.Module]) -> Callable[..., nn.Module]:
    """A builder whose n-th network starts from the n-th initial weights of our run of this seed."""
    built = 0

    def build(*_: Any, **__: Any) -> nn.Module:
        nonlocal built
        built += 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, "initialization", built))
            return network(build_backbone("resnet-small", 20, 3, 32))

    return build


def run(method: str, code: Path, seed: int, output: Path) -> dict[str, list[float]]:
    """The curves of one run: test accuracy, and label precision if the method selects."""
    script, place = SCRIPTS[method], output / "copies" / f"{method}-seed{seed}"
    images = shared_images()
    changed_copy(script, code, place)
    write_shared_images(images, place)
    log = output.resolve() / "authors" / f"{method}-seed{seed}.log"
    os.chdir(place)
    os.environ["HOME"] = str(Path.cwd())
    sys.path[0] = str(Path.cwd())
    sys.argv = [script.path, *script.arguments.format(seed=seed).split()]
    torch.set_num_threads(1)
    # Not every script seeds NumPy, and a run should be repeatable.
    np.random.seed(seed)
    stand_ins.for_all()
    front = stand_ins.normalized if method == "co-teaching" else lambda network: network
    curves = script.prepare(images, our_networks(seed, front))
    with log.open("w", encoding="utf-8") as opened, contextlib.redirect_stdout(opened):
        runpy.run_path(script.path, run_name="__main__")
    found = re.findall(script.accuracy, log.read_text(encoding="utf-8"))
    scale = 1 if method == "elr" else 100
    accuracies = [float(value) / scale for value in found][script.evaluated_before :]
    if len(accuracies) != EPOCHS:
        raise SystemExit(f"{len(accuracies)} epochs instead of {EPOCHS}: see {log}.")
    return {"test_accuracy": accuracies, **curves}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=SCRIPTS, required=True)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    file = given.output.resolve() / "authors" / f"{given.method}-seed{given.seed}.json"
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    curves = run(given.method, given.code.resolve(), given.seed, given.output)
    write_atomically(file, f"{json.dumps(curves)}\n".encode())


if __name__ == "__main__":
    main()
