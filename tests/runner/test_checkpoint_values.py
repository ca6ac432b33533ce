"""Values in a checkpoint: tensors, arrays, generators and plain values come back as they were."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from checkpoints import restored
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.runner.checkpoint import capture, load_checkpoint, restore, save_checkpoint


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
