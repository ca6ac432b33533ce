"""From a trained run to its model, and the model into a folder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from lnlbench.data.image_files import read_rows
from lnlbench.embeddings.plan import CHUNK
from lnlbench.errors import RunError, UsageError
from lnlbench.interface.method import Method
from lnlbench.model.architecture import regression_inputs
from lnlbench.model.describe import card_of, frozen_weights, tensors_before
from lnlbench.model.files import check_free, save_model
from lnlbench.model.model import Model
from lnlbench.model.restored import restored_run
from lnlbench.networks.evaluation_mode import evaluation_mode
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.plugins import Plugins
from lnlbench.results import Result
from lnlbench.runner.execution import Execution
from lnlbench.runner.finished import run_with_weights
from lnlbench.runner.options import RunOptions
from lnlbench.spec.run_data import RunData

# Probabilities of the model and of the method differ by less, however the device rounds.
_TOLERANCE = 0.01


def export_run(
    run: Path,
    folder: Path,
    plugins: Plugins,
    data: RunData,
    options: RunOptions,
    *,
    overwrite: bool = False,
) -> Model:
    """Write the model of a finished run into a folder, and return it.

    Raises:
        UsageError: the run is not done, its weights are gone, its method cannot be exported, or a
            model lies in the folder already.
        DataError: data or weights are damaged, or not those of the run.
        RunError: the checkpoint is damaged, or the disk fails.
    """
    check_free(folder, overwrite)
    result, _ = run_with_weights(run)
    execution = restored_run(run, plugins, data, options)
    model = model_of(execution, options.weights, result)
    save_model(model, folder, overwrite=overwrite)
    return model


def model_of(execution: Execution, weights: WeightSources, result: Result | None = None) -> Model:
    """The model of a run whose `fit` is over, checked against the method's own predictions.

    `weights` says where the weights of a frozen network come from. The card names the accuracy of
    the `result` if there is one.

    Raises:
        UsageError: the method predicts by other means than networks that a model can hold, or no
            source has the weights of the frozen network.
        DataError: the weights of the frozen network are not those of the run.
        RunError: the model does not predict what the method does.
    """
    networks = predicting_networks(execution.method)
    frozen = frozen_weights(execution.prepared, weights)
    card = card_of(execution, networks, frozen, result)
    tensors = tensors_before(execution, card, frozen) | network_tensors(networks)
    model = Model(card, tensors, execution.prepared.device)
    _compare(model, execution)
    return model


def predicting_networks(method: Method) -> list[nn.Module]:
    """The networks whose mean logits the method predicts."""
    if type(method).predict is not Method.predict:
        raise UsageError(
            f"The method {method.name!r} predicts by code of its own, and a model holds networks "
            "alone. Train a method that predicts by its networks: 'lnlbench methods' lists them."
        )
    networks = method.trained_networks()
    for network in networks:
        if not isinstance(network, PreciseNetwork) and regression_inputs(network) is None:
            raise UsageError(
                f"The method {method.name!r} predicts by a {type(network).__name__}, which needs "
                "more than weights, such as the training samples: there is no model to export. "
                "Train a network on the same track, for example with --method linear-probe or elr."
            )
    return networks


def network_tensors(networks: Sequence[nn.Module]) -> dict[str, Tensor]:
    """All tensors of the networks by their names in a model."""
    return {
        f"network.{number}.{name}": tensor
        for number, network in enumerate(networks)
        for name, tensor in _body(network).state_dict().items()
    }


def _body(network: nn.Module) -> nn.Module:
    return network.body if isinstance(network, PreciseNetwork) else network


def _compare(model: Model, execution: Execution) -> None:
    """Make sure that the model, from the pixels on, predicts what the method predicts.

    Raises:
        RunError: it does not.
    """
    split, inputs = execution.prepared.split, execution.inputs
    tested = len(split.test.labels) > 0
    part, views = (split.test, inputs.test) if tested else (split.training, inputs.training)
    count = min(len(part.labels), CHUNK, model.card.batch_size)
    samples = read_rows(part.images, slice(0, count))
    with evaluation_mode(execution.method.trained_networks()):
        logits: Tensor = execution.method.predict(views.plain(0, count)).float().cpu()
    check_same(model, samples, logits, execution.method)


def check_same(model: Model, samples: Tensor, logits: Tensor, method: Method) -> None:
    """Make sure that the model predicts the method's logits [B, C] of these samples.

    Raises:
        RunError: it does not.
    """
    found = torch.from_numpy(model.probabilities(samples))
    apart = float((found - logits.softmax(1)).abs().max())
    if not apart <= _TOLERANCE:
        raise RunError(
            f"The exported model does not predict what the method does: probabilities differ by up "
            f"to {apart:.2g}. The networks of {method.name!r} need more than their "
            "weights, or a frozen network's features have changed; nothing was written."
        )
