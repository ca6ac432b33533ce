"""Whether a spec can be executed here, and whether its track has what its method needs."""

from lnlbench.embeddings.available import require_embedded
from lnlbench.errors import UsageError
from lnlbench.interface.artifacts import check_artifacts
from lnlbench.networks import FEATURES, check_backbone
from lnlbench.networks.kept import check_layer
from lnlbench.networks.weight_sources import check_pretrained
from lnlbench.plugins import Catalogue
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec, deviations, params_of


def check_spec(plugins: Catalogue, spec: RunSpec) -> None:
    """Make sure that a spec can be executed here; reads neither data nor pretrained weights.

    Raises:
        UsageError: it names something unknown, or an artifact that is not in the cache.
        DataError: an artifact is damaged.
    """
    method = plugins.method(spec.method)
    # A spec from a file may hold any name, and track and recipe become folder and file names.
    deviations(spec, method)
    check_artifacts(params_of(spec, method))
    RunData(plugins).check(spec.protocol)
    if spec.protocol.embedding is None and spec.protocol.pretrained is None:
        check_backbone(spec.protocol.backbone, plugins.backbones)
    elif spec.protocol.backbone != FEATURES or spec.protocol.data is None:
        check_pretrained(spec.protocol.backbone)
    pretrained = spec.protocol.pretrained
    if pretrained is not None and pretrained.frozen_until is not None:
        check_layer(spec.protocol.backbone, pretrained.frozen_until)


def refusal(plugins: Catalogue, spec: RunSpec) -> str | None:
    """Why a run's track refuses its method: it lacks the method's views. None if it has them."""
    if spec.protocol.cached is None:
        return None
    try:
        params = params_of(spec, plugins.method(spec.method))
        for augment in plugins.augmentations(spec.method, params):
            require_embedded(augment)
    except UsageError as error:
        return str(error)
    return None
