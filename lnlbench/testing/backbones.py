"""Checks of a plugin's network: its pretrained weights, or what its builder makes."""

import copy
from collections.abc import Iterator

from lnlbench.errors import LnlbenchError
from lnlbench.networks.backbone import Backbone
from lnlbench.networks.build import build_backbone
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.testing.report import Finding, Report

# Classes and images that a network has to take: those of CIFAR, gray ones, larger ones.
_ASKED = ((10, (3, 32, 32)), (7, (1, 28, 28)), (100, (3, 64, 64)))


def check_backbone(backbone: Backbone) -> Report:
    """All checks of a backbone; reads its weights twice, or builds it several times.

    Raises:
        AssertionError: a check failed; the message is the whole report, with what to do.
    """
    report = examine_backbone(backbone)
    if not report.passed:
        raise AssertionError(f"\n{report}")
    return report


def examine_backbone(backbone: Backbone) -> Report:
    """Whether the weights can be read, are the same each time, and fit timm's network.

    Of a builder: whether the network learns, at several sizes, and is the same for a seed.
    """
    if backbone.build is not None:
        report = Report(f"backbone {backbone.name}")
        report.findings += _check_builder(backbone)
        return report
    assert backbone.weights is not None
    import timm
    import torch

    report = Report(f"backbone {backbone.name}")
    advice = "Return the whole state dict of timm.create_model(NAME), classifier included."
    try:
        weights, again = backbone.weights(), backbone.weights()
        network = timm.create_model(backbone.name.partition(":")[2], pretrained=False)
        network.load_state_dict(weights, strict=True)
    except (LnlbenchError, RuntimeError, OSError, ValueError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        report.findings.append(Finding("weights", "failed", reason, advice))
        return report
    different = [name for name in weights if not torch.equal(weights[name], again[name])]
    if different:
        found = f"Read twice, {different[0]} differs."
        report.findings.append(Finding("weights", "failed", found, "Read them from a file."))
    elif not all(bool(value.isfinite().all()) for value in weights.values()):
        found = "Some are infinite or NaN."
        report.findings.append(Finding("weights", "failed", found, "The file is damaged."))
    else:
        found = f"{len(weights)} tensors fit timm's network; {backbone.pretrained_on}"
        report.findings.append(Finding("weights", "passed", found))
    return report


def _check_builder(backbone: Backbone) -> Iterator[Finding]:
    import torch

    with torch.random.fork_rng(devices=[]):
        for classes, shape in _ASKED:
            what = f"{classes} classes, images {' x '.join(map(str, shape))}"
            try:
                wrong = _wrong_with(backbone, classes, shape)
            except Exception as error:  # whatever the plugin's own code raises
                wrong = f"{type(error).__name__}: {error}"
            if wrong:
                advice = "plugins/hooks.md says what build returns."
                yield Finding("network", "failed", f"{what}: {wrong}", advice)
            else:
                yield Finding("network", "passed", what)


def _wrong_with(backbone: Backbone, classes: int, shape: tuple[int, int, int]) -> str:
    """What is wrong with the networks that are built for these images; empty if nothing is."""
    import torch

    def built() -> torch.nn.Module:
        torch.manual_seed(0)
        return build_backbone(backbone.name, classes, *shape[:2], {backbone.name: backbone})

    body = built()
    state, again = body.state_dict(), built().state_dict()
    if any(not torch.equal(value, again[name]) for name, value in state.items()):
        return "built twice after the same seed, the weights differ"
    network = PreciseNetwork(body, "fp32", torch.device("cpu"))
    images = torch.randn(5, *shape)
    logits = network(images)
    if logits.shape != (5, classes):
        return f"5 images give {list(logits.shape)}, not logits [5, {classes}]"
    logits.sum().backward()
    lost = [name for name, weight in body.named_parameters() if weight.grad is None]
    if lost:
        return f"no gradient reaches {lost[0]}"
    network.eval()
    with torch.no_grad():
        both, one = network(images), network(images[:1])
        if not torch.equal(both, copy.deepcopy(network)(images)):
            return "a copy of the network gives other logits"
        if not torch.allclose(both[:1], one, atol=1e-4):
            return "in evaluation, an image's logits depend on the other images of the batch"
        made, features = network.with_features(images)
        if not torch.allclose(network.classifier(features), made, atol=1e-4):
            return "the last linear layer does not make the logits"
    return ""
