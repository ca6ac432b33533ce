"""Networks of plugins' own: found, checked, trained, exported, and refused when they are broken."""

import json
import re
from pathlib import Path

import pytest
import torch
from cli import SMALL, call, directory_of, stored
from plugin_zoo import install, on_the_path
from torch import nn

import lnlbench
from lnlbench.plugins import load_plugins
from lnlbench.testing import check_backbone

GUIDE = Path(__file__).parents[2] / "plugins" / "hooks.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
[SOURCE] = [block for block in BLOCKS if "build=two_convolutions" in block]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, one of which is the guide's network."""
    folder = tmp_path / "site"
    with on_the_path(folder, monkeypatch):
        install(folder, "lnlbench-convolutions", SOURCE, version="1.5")
        yield folder


def test_the_guides_network_is_listed_with_its_distribution(site):
    listed = json.loads(call("backbones", "--json").out)
    [own] = [each for each in listed["backbones"] if each["name"] == "two-convolutions"]
    assert own["distribution"] == "lnlbench-convolutions"
    assert own["description"].startswith("Two convolutions")
    assert "two-convolutions" not in listed["pretrained"]
    shown = call("backbones", "show", "two-convolutions")
    assert shown.code == 0 and "lnlbench-convolutions" in shown.out
    assert "two-convolutions" in call("plugins").out


def test_the_guides_network_is_trained_and_exported(site, tmp_path):
    flags = (*SMALL, "--backbone", "two-convolutions", "--output", tmp_path, "--quiet")
    done = call("run", "--method", "dividemix", "--set", "warmup_epochs=1", *flags)
    assert done.code == 0, done.err
    result = stored(tmp_path)
    assert any("two-convolutions, built by" in note for note in result["data"]["notes"])
    exported = call("export", directory_of(tmp_path).path, "--output", tmp_path / "model")
    assert exported.code == 0, exported.err
    model = lnlbench.load_model(tmp_path / "model")
    images = torch.zeros(2, 32, 32, 3, dtype=torch.uint8).numpy()
    assert model.predict_proba(images).shape == (2, 10)


def test_a_network_that_no_plugin_has_is_refused_with_the_nearest(site, tmp_path):
    refused = call("run", "--method", "ce", *SMALL, "--backbone", "two-convolution")
    assert refused.code == 2
    assert "Did you mean 'two-convolutions'?" in refused.err


def test_a_builder_that_raises_is_named_without_a_traceback(site, tmp_path):
    source = (
        "import lnlbench\n\ndef broken(num_classes, input_shape):\n    raise KeyError('size')\n\n"
        "@lnlbench.hookimpl\ndef register_backbones():\n"
        "    return [lnlbench.Backbone('broken-net', build=broken)]\n"
    )
    install(site, "lnlbench-broken", source)
    refused = call(
        "run", "--method", "ce", *SMALL, "--backbone", "broken-net", "--output", tmp_path
    )
    assert refused.code != 0
    assert "'broken-net' cannot be built for 10 classes" in " ".join(refused.out.split())
    assert "Traceback" not in refused.out + refused.err


def test_the_guides_network_passes_the_checks(site):
    done = call("plugins", "check", "lnlbench-convolutions")
    assert done.code == 0, done.out
    assert done.out.count("network") >= 3
    report = check_backbone(load_plugins().backbones["two-convolutions"])
    assert all(finding.status == "passed" for finding in report.findings)


def features(channels, classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * channels, classes))


class Coupled(nn.Module):
    """In evaluation, it looks at the whole batch."""

    def __init__(self, channels, classes):
        super().__init__()
        self.body = features(channels, classes)

    def forward(self, images):
        return self.body(images - images.mean(0))


class Unused(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.idle = nn.Linear(2, 2)
        self.body = features(channels, classes)

    def forward(self, images):
        return self.body(images)


GENERATOR = torch.Generator().manual_seed(3)


def unseeded(classes, shape):
    network = features(shape[0], classes)
    with torch.no_grad():
        network[-1].bias.copy_(torch.randn(classes, generator=GENERATOR))
    return network


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda classes, shape: features(shape[0], classes + 1), "not logits"),
        (lambda classes, shape: features(3, 10), "RuntimeError"),
        (lambda classes, shape: Coupled(shape[0], classes), "depend on the other images"),
        (lambda classes, shape: Unused(shape[0], classes), "no gradient reaches idle"),
        (lambda classes, shape: nn.Conv2d(shape[0], classes, 3), "not logits"),
        (lambda classes, shape: 3, "has to return a torch.nn.Module"),
        (unseeded, "the weights differ"),
    ],
)
def test_the_checks_find_a_broken_builder(build, said):
    with pytest.raises(AssertionError) as refused:
        check_backbone(lnlbench.Backbone("broken", build=build))
    assert said in " ".join(str(refused.value).split())
