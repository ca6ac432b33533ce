"""Label noise: human labels, transition matrices, and instance-dependent noise."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lnlbench.noise.spec import NoiseSpec, check_noise, noise_names, noise_sentences, parse_noise

# Imported on first use: reading a noise name must not wait for NumPy and torch.
_HOMES = {
    "NoisyLabels": "lnlbench.noise.apply",
    "apply_noise": "lnlbench.noise.apply",
    "empirical_transition_matrix": "lnlbench.noise.transition",
}

if TYPE_CHECKING:
    from lnlbench.noise.apply import NoisyLabels, apply_noise
    from lnlbench.noise.transition import empirical_transition_matrix

__all__ = [
    "NoiseSpec",
    "NoisyLabels",
    "apply_noise",
    "check_noise",
    "empirical_transition_matrix",
    "noise_names",
    "noise_sentences",
    "parse_noise",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lnlbench.noise' has no attribute {name!r}")
