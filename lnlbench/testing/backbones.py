"""Checks of a plugin's pretrained network."""

from lnlbench.errors import LnlbenchError
from lnlbench.networks.backbone import Backbone
from lnlbench.testing.report import Finding, Report


def check_backbone(backbone: Backbone) -> Report:
    """All checks of a backbone; reads its weights twice.

    Raises:
        AssertionError: a check failed; the message is the whole report, with what to do.
    """
    report = examine_backbone(backbone)
    if not report.passed:
        raise AssertionError(f"\n{report}")
    return report


def examine_backbone(backbone: Backbone) -> Report:
    """Whether the weights can be read, are the same each time, and fit timm's network."""
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
