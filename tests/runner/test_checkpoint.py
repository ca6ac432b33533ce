"""Checkpoints: objects come back as they were and as one, and what would not is refused."""

from collections import OrderedDict, defaultdict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from checkpoints import CPU, restored, through_file
from torch import nn

from lnlbench.errors import RunError
from lnlbench.runner.checkpoint import capture, load_checkpoint


def trained(seed):
    """A network, optimizer and scheduler after two steps."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    owner = SimpleNamespace(network=network, optimizer=optimizer, scheduler=scheduler)
    for _ in range(2):
        advance(owner)
    return owner


def advance(owner):
    owner.optimizer.zero_grad()
    owner.network(torch.ones(2, 3) * torch.tensor([[1.0], [2.0]])).square().sum().backward()
    owner.optimizer.step()
    owner.scheduler.step()


def test_modules_optimizers_and_schedulers_go_on_as_if_nothing_had_been(tmp_path):
    saved, made = trained(1), trained(2)
    objects = dict(vars(made))
    restored(tmp_path, saved, made)
    # Loaded into what fit has made: its local names stay valid.
    assert all(getattr(made, name) is value for name, value in objects.items())
    for owner in (saved, made):
        advance(owner)
    for name, value in saved.network.state_dict().items():
        assert torch.equal(made.network.state_dict()[name], value)
    assert made.optimizer.param_groups[0]["lr"] == saved.optimizer.param_groups[0]["lr"]


@pytest.mark.parametrize("kind", [list, tuple, lambda pair: dict(zip("ab", pair, strict=True))])
def test_modules_within_lists_tuples_and_dicts(tmp_path, kind):
    saved = SimpleNamespace(networks=kind([nn.Linear(2, 2), nn.Linear(2, 2)]))
    made = SimpleNamespace(networks=kind([nn.Linear(2, 2), nn.Linear(2, 2)]))
    first = next(iter(made.networks.values() if isinstance(made.networks, dict) else made.networks))
    restored(tmp_path, saved, made)
    keys = "ab" if isinstance(made.networks, dict) else (0, 1)
    for key in keys:
        assert torch.equal(made.networks[key].weight, saved.networks[key].weight)
    assert made.networks[keys[0]] is first
    assert type(made.networks) is type(saved.networks)


def test_names_that_fit_keeps_stay_valid(tmp_path):
    """`self.losses = losses = …` before the first epoch is one object after a resume, too."""
    saved = SimpleNamespace(
        tensor=torch.arange(3.0), array=np.arange(3.0), history=[1, 2], counts={"a": 1}
    )
    made = SimpleNamespace(
        tensor=torch.zeros(3), array=np.zeros(3), history=[], counts={"b": 2, "a": 0}
    )
    local = dict(vars(made))
    restored(tmp_path, saved, made)
    assert all(getattr(made, name) is value for name, value in local.items())
    assert made.tensor.tolist() == made.array.tolist() == [0.0, 1.0, 2.0]
    assert (made.history, made.counts) == ([1, 2], {"a": 1})


def test_two_names_of_one_tensor_stay_one(tmp_path):
    def make(value):
        tensor, network = torch.full((3,), value), nn.Linear(1, 1)
        return SimpleNamespace(own=tensor, shared=[tensor], network=network, teacher=network)

    saved, made = make(1.0), make(0.0)
    restored(tmp_path, saved, made)
    assert made.own is made.shared[0]
    assert made.own.tolist() == [1.0] * 3
    assert made.network is made.teacher


def test_what_was_one_object_at_first_and_two_when_saved_is_two_again(tmp_path):
    first = torch.zeros(2)
    made = SimpleNamespace(current=first, best=first)
    made.history = made.shown = []
    saved = SimpleNamespace(current=torch.ones(2), best=torch.zeros(2), history=[1, 2], shown=[1])
    restored(tmp_path, saved, made)
    assert (made.current.tolist(), made.best.tolist()) == ([1.0, 1.0], [0.0, 0.0])
    assert (made.history, made.shown) == ([1, 2], [1])


def test_what_was_two_objects_at_first_and_one_when_saved_is_one_again(tmp_path):
    belief, counts = torch.ones(2), [3]
    saved = SimpleNamespace(current=belief, best=belief, seen=counts, drawn={"all": counts})
    made = SimpleNamespace(current=torch.zeros(2), best=torch.zeros(2), seen=[], drawn={})
    restored(tmp_path, saved, made)
    assert made.current is made.best
    assert made.seen is made.drawn["all"]


def test_one_module_cannot_be_restored_into_two(tmp_path):
    network = nn.Linear(2, 2)
    made = SimpleNamespace(network=network, teacher=network)
    saved = SimpleNamespace(network=nn.Linear(2, 2), teacher=nn.Linear(2, 2))
    with pytest.raises(RunError, match="before the first epoch"):
        restored(tmp_path, saved, made)


def test_frozen_parameters_and_training_modes_come_back(tmp_path):
    def make():
        return SimpleNamespace(network=nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))

    saved, made = make(), make()
    saved.network[0].requires_grad_(False)
    saved.network[1].eval()
    restored(tmp_path, saved, made)
    assert [each.requires_grad for each in made.network.parameters()] == [False, False, True, True]
    assert [each.training for each in made.network.modules()] == [True, True, False]


def test_a_tensor_of_another_size_is_replaced(tmp_path):
    made = SimpleNamespace(selected=torch.zeros(2, dtype=torch.int64))
    restored(tmp_path, SimpleNamespace(selected=torch.tensor([4, 5, 6])), made)
    assert made.selected.tolist() == [4, 5, 6]


def test_a_parameter_that_learns_is_restored_in_place(tmp_path):
    saved = SimpleNamespace(weights=nn.Parameter(torch.tensor([1.0, 2.0])))
    weights = nn.Parameter(torch.zeros(2))
    made = restored(tmp_path, saved, SimpleNamespace(weights=weights))
    assert made.weights is weights
    assert weights.requires_grad
    assert weights.tolist() == [1.0, 2.0]


def test_params_are_left_to_the_spec(tmp_path):
    assert through_file(tmp_path, SimpleNamespace(params=object(), epoch=3)) == {"epoch": 3}


Pair = namedtuple("Pair", "low high")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({1, 2}, "set"),
        (lambda: None, "function"),
        (object(), "object"),
        (b"bytes", "bytes"),
        (1j, "complex"),
        ([{"deep": ({3},)}], "set"),
        ({frozenset(): 1}, "frozenset"),
        (Pair(0, 1), "Pair"),
        (defaultdict(list), "defaultdict"),
        (OrderedDict(), "OrderedDict"),
        (np.array([object()]), "ndarray"),
    ],
)
def test_what_would_not_come_back_is_refused_by_name(value, kind):
    with pytest.raises(RunError, match="self") as caught:
        capture(SimpleNamespace(fine=1, seen_before=value))
    assert "'seen_before'" in str(caught.value)
    assert kind in str(caught.value)


@pytest.mark.parametrize(
    ("saved", "made"),
    [
        (nn.Linear(2, 2), nn.Linear(2, 3)),
        (nn.Linear(2, 2), None),
        (nn.Linear(2, 2), torch.zeros(2)),
    ],
)
def test_a_module_that_does_not_fit_is_an_error_that_names_it(tmp_path, saved, made):
    owner = SimpleNamespace() if made is None else SimpleNamespace(network=made)
    with pytest.raises(RunError, match="before the first epoch") as caught:
        restored(tmp_path, SimpleNamespace(network=saved), owner)
    assert "SimpleNamespace.network" in str(caught.value)
    assert "--overwrite" in str(caught.value)


def test_an_unreadable_checkpoint(tmp_path):
    with pytest.raises(RunError, match="Cannot read the checkpoint"):
        load_checkpoint(tmp_path, CPU)


def test_an_undamaged_checkpoint_for_which_there_is_no_memory_is_not_called_damaged(
    tmp_path, monkeypatch
):
    through_file(tmp_path, trained(1))
    [path] = tmp_path.iterdir()

    def full(*_, **__):
        raise RuntimeError("CUDA out of memory\nmore")

    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(RunError, match=r"undamaged, but cannot be loaded here: CUDA out of memory"):
        load_checkpoint(path, CPU)
