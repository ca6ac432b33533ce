"""The doors through which files and values of foreign origin come in, each with valid samples."""

import dataclasses
import io
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from cli import call
from factories import make_document
from models import random_model
from PIL import Image
from safetensors.torch import save

from lnlbench.data.archive import extract
from lnlbench.data.cifar import CIFAR10, read_cifar
from lnlbench.data.pickles import read_pickle, read_torch_pickle
from lnlbench.embeddings.store import Part
from lnlbench.errors import DataError
from lnlbench.interface.artifacts import read_artifact, write_artifact
from lnlbench.model.files import load_model, save_model
from lnlbench.networks.weights import read_weights
from lnlbench.results.store import read_result
from lnlbench.results.tuning import read_tuning
from lnlbench.runner.checkpoint import load_checkpoint, save_checkpoint, seal
from lnlbench.spec.grid import read_sweep_file
from lnlbench.spec.run_spec import build_spec, parse_spec
from lnlbench.tracks import read_track, track_text
from lnlbench.tune.trial import _read_plan

CPU = torch.device("cpu")
_COMMITTED = Path(__file__).parents[2] / "leaderboards"


class Execute:
    """What a hostile pickle holds: it makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@dataclasses.dataclass
class Door:
    """`enter` is given a file; whatever but an lnlbench error it raises is a fault."""

    samples: list[bytes]
    enter: Callable[[Path], object]
    suffix: str = ""


def doors(folder: Path, executed: Path) -> dict[str, Door]:
    """Every door, with samples that it takes and pickles that would make `executed`."""
    hostile = [pickle.dumps(Execute(executed), protocol) for protocol in (0, 2, 4)]
    cifar = pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0, 1, 2, 3]}, 2)
    spec = build_spec(_ce(), "digits").model_dump_json().encode()
    weights = {"a": torch.zeros(4), "b": torch.ones(2, 3)}
    sweeps = [path.read_bytes() for path in sorted(_COMMITTED.glob("sweeps/*.toml"))]
    recipes = [path.read_bytes() for path in sorted(_COMMITTED.glob("recipes/*.json"))]
    shipped = ("digits", "cifar100n-embedding", "cifar100n-pretrained-last")
    tracks = [f'name = "my-{name}"\n{track_text(name)}'.encode() for name in shipped]
    kept = {name: door(folder, weights) for name, door in _BINARY.items()}
    return {
        "spec": Door([spec], lambda file: parse_spec(file.read_text("utf-8", "replace"), "it")),
        "result": Door([json.dumps(make_document()).encode()], read_result),
        "recipe": Door(recipes, read_tuning),
        "sweep file": Door(sweeps, read_sweep_file),
        "track file": Door(tracks, read_track),
        "tune plan": Door([b'{"number": 0, "specs": [' + spec + b"]}"], _read_plan),
        "CIFAR pickle": Door([cifar, *hostile], lambda file: _cifar(file, folder)),
        "pickle": Door([cifar, *hostile], read_pickle),
        "label file": Door([_torch({"noisy_label": [0, 1]})], read_torch_pickle),
        ".pth": Door([_torch(weights), _torch(weights, new=False), *hostile], read_weights, ".pth"),
        "safetensors": Door([save(weights)], read_weights, ".safetensors"),
        **kept,
        "command-line value": Door(
            [b"lr=0.1", b"epochs=[1,2]", b'batch_size={"a":1}', b"noise=symmetric:0.4"], _value
        ),
    }


def _ce():
    from lnlbench.plugins import load_plugins

    return load_plugins().method("ce")


def _torch(content: object, new: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=new)
    return buffer.getvalue()


def _cifar(file: Path, folder: Path) -> None:
    place = folder / CIFAR10.folder
    place.mkdir(exist_ok=True)
    for name in (*CIFAR10.train_files, CIFAR10.test_file, CIFAR10.meta_file):
        (place / name).write_bytes(file.read_bytes())
    read_cifar(folder, CIFAR10)


def _value(file: Path) -> None:
    text = file.read_bytes().decode("utf-8", "surrogateescape").replace("\0", "")
    option = "--override" if len(text) % 2 else "--set"
    outcome = call("plan", "--method", "gce", "--track", "digits", option, text)
    assert outcome.code in (0, 2), outcome.err
    assert len(outcome.err) < 10_000


def _archive(folder: Path, _weights: object) -> Door:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("top/a")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))
    return Door([packed.getvalue()], lambda file: extract(file, ["top/a"], folder))


def _card(folder: Path, _weights: object) -> Door:
    place = folder / "model"
    save_model(random_model(), place)
    file = place / "model.json"
    return Door([file.read_bytes()], lambda damaged: _loaded(damaged, file))


def _loaded(damaged: Path, file: Path) -> None:
    file.write_bytes(damaged.read_bytes())
    load_model(file.parent).predict_proba(np.zeros((1, 8, 8, 3), np.uint8))


def _artifact(folder: Path, weights: dict) -> Door:
    write_artifact(folder / "artifact", weights, {"kind": "mentor", "of": [1, 2]})
    return Door([(folder / "artifact").read_bytes()], read_artifact)


def _checkpoint(folder: Path, weights: dict) -> Door:
    save_checkpoint(folder / "checkpoint", {"state": weights, "epoch": 3})
    whole = (folder / "checkpoint").read_bytes()

    def load(file: Path) -> None:
        load_checkpoint(file, CPU)

    def load_sealed(file: Path) -> None:
        file.write_bytes(seal(file.read_bytes()))
        load_checkpoint(file, CPU)

    content = _torch({"state": weights, "epoch": 3})
    return Door([whole, content], lambda file: (load if len(file.name) % 2 else load_sealed)(file))


def _embeddings(folder: Path, _weights: object) -> Door:
    part = Part(folder, "part", 10)
    part.fill(lambda start, stop: np.ones((stop - start, 4), np.float16), lambda done: None)
    sample = part.file.read_bytes()
    journal = part.journal.read_bytes()

    def read(file: Path) -> None:
        part.file.write_bytes(file.read_bytes())
        part.journal.write_bytes(journal)
        if part.complete():
            part.open()

    return Door([sample], read)


def image_door() -> Door | None:
    """Images of every format that Pillow writes; None without the plugin that reads them."""
    try:
        from lnlbench_image_folder.decoding import decode
    except ImportError:
        return None
    Image.init()
    samples = []
    for name in sorted(Image.SAVE):
        for mode in ("RGB", "L", "1"):
            buffer = io.BytesIO()
            try:
                Image.linear_gradient("L").resize((16, 16)).convert(mode).save(buffer, name)
            except Exception:
                continue
            samples.append(buffer.getvalue())
            break

    def read(file: Path) -> None:
        try:
            decode(file, 8, 1)
        except DataError as error:
            assert len(str(error)) < 1000
            raise

    return Door(samples, read)


_BINARY = {
    "archive": _archive,
    "artifact": _artifact,
    "checkpoint": _checkpoint,
    "embedding cache": _embeddings,
    "model": _card,
}
