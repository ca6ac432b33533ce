"""Whether a spec can be executed here: every name in it is known, and every artifact is there."""

from lnlbench.data import canonical_name
from lnlbench.interface.artifacts import check_artifacts
from lnlbench.interface.params import validate_params
from lnlbench.networks import check_backbone
from lnlbench.networks.weights import check_pretrained
from lnlbench.noise import check_noise
from lnlbench.plugins import Plugins
from lnlbench.spec.provided import ProvidedData
from lnlbench.spec.run_spec import RunSpec, deviations


def check_spec(plugins: Plugins, spec: RunSpec) -> None:
    """Make sure that a spec can be executed here, data and pretrained weights aside.

    Raises:
        UsageError: it names something unknown, or an artifact that is not in the cache.
        DataError: an artifact is damaged.
    """
    method = plugins.method(spec.method)
    # A spec from a file may name anything; track and recipe become folder and file names.
    deviations(spec, method)
    check_artifacts(validate_params(method.name, method.Params, spec.params))
    if spec.protocol.data is None:
        check_noise(spec.protocol.noise, canonical_name(spec.protocol.dataset))
    else:
        ProvidedData(plugins.datasets, {}).source(spec.protocol.dataset)
    if spec.protocol.embedding is None and spec.protocol.pretrained is None:
        check_backbone(spec.protocol.backbone)
    else:
        check_pretrained(spec.protocol.backbone)
