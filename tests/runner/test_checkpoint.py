"""Checkpoints: what a method may keep on itself comes back as it was, and nothing else is saved."""

import math
from collections import OrderedDict, defaultdict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lnlbench.errors import RunError
from lnlbench.runner.checkpoint import capture, load_checkpoint, restore, save_checkpoint

CPU = torch.device("cpu")


def through_file(folder, owner):
    """What a checkpoint file gives back of an object's state."""
    path = folder / "checkpoint"
    save_checkpoint(path, {"method": capture(owner)})
    return load_checkpoint(path, CPU)["method"]


def restored(folder, saved, made=None):
    """`saved`, through a file, into `made`: an object as `fit` leaves it before the first epoch."""
    owner = SimpleNamespace() if made is None else made
    restore(owner, through_file(folder, saved))
    return owner


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


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.uint8]
)
def test_tensors_keep_shape_type_and_every_bit(tmp_path, dtype):
    torch.manual_seed(0)
    value = (torch.randn(2, 3) * 5).to(dtype)
    saved = SimpleNamespace(tensor=value, scalar=value[0, 0], empty=value[:0])
    for name, tensor in vars(restored(tmp_path, saved)).items():
        expected = getattr(saved, name)
        assert (tensor.dtype, tensor.shape) == (dtype, expected.shape)
        assert torch.equal(tensor, expected)


def test_nan_and_infinity_in_tensors_survive(tmp_path):
    saved = SimpleNamespace(belief=torch.tensor([math.nan, math.inf, -math.inf, -0.0]))
    belief = restored(tmp_path, saved).belief
    assert torch.equal(belief.view(torch.int32), saved.belief.view(torch.int32))


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


@pytest.mark.parametrize("again", [True, False])
def test_generators_go_on_where_they_were(tmp_path, again):
    def make(seed):
        return SimpleNamespace(
            torch=torch.Generator().manual_seed(seed), numpy=np.random.default_rng(seed)
        )

    saved, made = make(1), make(2) if again else SimpleNamespace()
    torch.rand(5, generator=saved.torch), saved.numpy.random(5)
    objects = dict(vars(made))
    restored(tmp_path, saved, made)
    assert torch.equal(torch.rand(3, generator=made.torch), torch.rand(3, generator=saved.torch))
    assert (made.numpy.random(3) == saved.numpy.random(3)).all()
    assert all(getattr(made, name) is value for name, value in objects.items())


def test_numpy_generators_of_another_kind(tmp_path):
    saved = SimpleNamespace(numpy=np.random.Generator(np.random.MT19937(1)))
    saved.numpy.random(5)
    made = restored(tmp_path, saved)
    assert (made.numpy.random(3) == saved.numpy.random(3)).all()


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6)[::-2],
        np.zeros((0, 2), dtype=np.float32),
        np.array(3, dtype=np.int16),
        np.array([True, False]),
        np.array(["text", "longer text"]),
        np.arange(3, dtype=">i4"),
        np.arange(3, dtype=np.uint32),
    ],
)
def test_arrays(tmp_path, value):
    array = restored(tmp_path, SimpleNamespace(array=value)).array
    assert (array.dtype, array.shape) == (value.dtype, value.shape)
    assert (array == value).all()


@pytest.mark.parametrize("value", [np.float64(0.1), np.float32(0.1), np.int64(3), np.bool_(True)])
def test_numpy_scalars(tmp_path, value):
    scalar = restored(tmp_path, SimpleNamespace(scalar=value)).scalar
    assert scalar == value
    assert scalar.dtype == value.dtype


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=4)
    ),
    max_leaves=20,
)


def shape_of(value):
    """A value with the types of all that it holds: 1, 1.0 and True are equal but not the same."""
    if isinstance(value, dict):
        return dict, [(shape_of(key), shape_of(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [shape_of(item) for item in value]
    return type(value), value


@settings(max_examples=80)
@given(saved=plain_values, made=plain_values)
def test_plain_values_come_back_whatever_was_there_before(tmp_path_factory, saved, made):
    owner = SimpleNamespace(value=made)
    restored(tmp_path_factory.getbasetemp(), SimpleNamespace(value=saved), owner)
    assert shape_of(owner.value) == shape_of(saved)


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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_everything_comes_back_to_where_it_was_on_a_gpu(tmp_path):
    device = torch.device("cuda")
    saved = SimpleNamespace(
        tensor=torch.arange(3, device=device),
        array=np.arange(3),
        generator=torch.Generator().manual_seed(1),
    )
    save_checkpoint(tmp_path / "checkpoint", {"method": capture(saved)})
    made = SimpleNamespace()
    restore(made, load_checkpoint(tmp_path / "checkpoint", device)["method"])
    assert made.tensor.device.type == "cuda"
    assert made.array.tolist() == [0, 1, 2]
    assert torch.equal(
        torch.rand(2, generator=made.generator), torch.rand(2, generator=saved.generator)
    )
