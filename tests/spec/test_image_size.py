"""The images of a plugin's data set get the size that the run's pretrained network takes."""

import json

import pytest
from cli import call, stored
from frozen import weights_file
from plugin_zoo import SHADES, install, on_the_path

NETWORK = ("--backbone", "timm:test_efficientnet")
OWN_SIZE = 160  # of timm's test_efficientnet
TRACK = """
name = "shade-track"
title = "Shades"
description = "Shades of gray."
dataset = "shades"
noise = "given"
backbone = "timm:test_efficientnet"
augment = "none"
epochs = 1
batch_size = 64
precision = "fp32"
{settings}
[optimizer]
name = "sgd"
lr = 0.05

[embedding]
image_size = {size}
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The data set `shades`, whose setting `image_size` is 8 by default, and `fixed` without it."""
    folder = tmp_path / "site"
    sized = SHADES.replace("    size:", "    image_size:").replace("gs.size", "gs.image_size")
    with on_the_path(folder, monkeypatch):
        install(folder, "lnlbench-shades", sized)
        install(folder, "lnlbench-fixed", SHADES.replace('"shades"', '"fixed"'))
        (tmp_path / "offset.txt").write_text("0")
        monkeypatch.chdir(tmp_path)
        yield folder


def settings(*arguments):
    """The settings of the data in the spec of a run."""
    given = ("--method", "ce", "--set-data", "root=.", *arguments, "--print-spec")
    printed = call("run", *given)
    assert printed.code == 0, printed.err
    return json.loads(printed.out)["protocol"]["data"]["settings"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), {"image_size": 8}),
        (NETWORK, {"image_size": 8}),
        ((*NETWORK, "--frozen"), {"image_size": OWN_SIZE}),
        ((*NETWORK, "--pretrained"), {"image_size": OWN_SIZE}),
        ((*NETWORK, "--frozen", "--image-size", "24"), {"image_size": 24}),
        ((*NETWORK, "--frozen", "--set-data", "image_size=16"), {"image_size": 16}),
        ((*NETWORK, "--override", "embedding.image_size=24"), {"image_size": 24}),
        ((*NETWORK, "--frozen", "--dataset", "fixed"), {"size": 8}),
    ],
)
def test_the_size_is_the_networks_unless_it_is_given(site, arguments, expected):
    dataset = () if "--dataset" in arguments else ("--dataset", "shades")
    assert settings("--track", "digits", *dataset, *arguments) == expected


def test_an_unknown_network_is_refused_before_data_are_read(site):
    flags = ("--track", "digits", "--dataset", "shades", "--set-data", "root=.", "--frozen")
    refused = call("run", "--method", "ce", *flags, "--backbone", "timm:test_eficientnet")
    assert (refused.code, "Did you mean" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("given", "expected"), [("", 24), ("[data]\nsettings = {image_size = 16}", 16)]
)
def test_an_own_track_follows_its_network_unless_it_says_otherwise(site, tmp_path, given, expected):
    file = tmp_path / "track.toml"
    file.write_text(TRACK.format(size=24, settings=given))
    assert settings("--track", file) == {"image_size": expected}


def test_a_run_says_at_which_size_its_network_gets_the_images(site, tmp_path):
    weights = ("--weights", weights_file(tmp_path), "--output", tmp_path / "out")
    flags = ("--track", "digits", "--epochs", "1", "--dataset", "shades", "--set-data", "root=.")
    own = (*NETWORK, "--frozen", "--image-size", "32", *weights)
    for more, line in (
        ((), "Images of 8x8 pixels, as the data set's settings say."),
        (own, "Images of 32x32 pixels: timm:test_efficientnet takes this size."),
        (
            (*own, "--set-data", "image_size=16"),
            "Images of 16x16 pixels: timm:test_efficientnet gets them at 32x32.",
        ),
    ):
        done = call("run", "--method", "ce", *flags, *more)
        assert done.code == 0, done.err
        assert line in done.out + done.err


def test_a_spec_is_run_again_on_images_of_the_same_size(site, tmp_path):
    flags = ("--track", "digits", "--epochs", "1", "--dataset", "shades", "--image-size", "32")
    given = ("--method", "ce", *flags, *NETWORK, "--frozen", "--set-data", "root=.")
    (tmp_path / "spec.json").write_text(call("run", *given, "--print-spec").out)
    again = ("--spec", "spec.json", "--set-data", "root=.", "--weights", weights_file(tmp_path))
    done = call("run", *again, "--output", tmp_path / "out")
    assert done.code == 0, done.err
    assert stored(tmp_path / "out")["spec"]["protocol"]["data"]["settings"] == {"image_size": 32}
