"""Tracks of plugins are found, or refused with a reason."""

import pytest
from cli import call
from plugin_zoo import install, on_the_path

from lnlbench.plugins import Origin, load_plugins


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions."""
    folder = tmp_path / "site"
    with on_the_path(folder, monkeypatch):
        yield folder


TRACK = (
    "lnlbench.Track(name={!r}, title='t', protocol=dict(dataset='digits', noise={!r}, epochs=1, "
    "backbone='small-cnn', batch_size=8, precision='fp32', optimizer=dict(lr=1)))"
)


def tracks_source(*returned):
    hook = f"@lnlbench.hookimpl\ndef register_tracks():\n    return [{', '.join(returned)}]\n"
    return f"import lnlbench\n\n{hook}"


def test_hook_register_tracks(site):
    install(site, "lnlbench-tracks", tracks_source(TRACK.format("mine", "clean")), version="2.0")
    plugins = load_plugins(strict=True)
    assert plugins.tracks["mine"].protocol.backbone == "small-cnn"
    assert plugins.track_origins["mine"] == Origin("lnlbench-tracks", "2.0", "plugin")
    assert "mine" in call("plugins").out


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("'mine'", "not an lnlbench.Track"),
        (TRACK.format("digits", "clean"), "belongs to a track that lnlbench ships"),
        (TRACK.format("a/b", "clean"), "lower-case words"),
        (TRACK.format("mine", "symetric:0.2"), "Did you mean 'symmetric'?"),
    ],
)
def test_a_track_that_breaks_the_interface_is_refused(site, returned, reason):
    install(site, "lnlbench-z", tracks_source(returned, TRACK.format("other", "clean")))
    plugins = load_plugins()
    assert [reason in error.reason for error in plugins.errors] == [True]
    assert list(plugins.tracks) == ["other"]
