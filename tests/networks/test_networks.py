"""Backbones: sizes, stems, precision."""

import copy

import pytest
import torch
from torch import nn
from torch._dynamo.exc import TorchDynamoException

from lnlbench.errors import UsageError
from lnlbench.networks import BACKBONES, check_backbone, compiled
from lnlbench.networks.build import build_backbone
from lnlbench.networks.precision import PreciseNetwork, resolve_precision
from lnlbench.networks.resnet import PreActBlock, preact_resnet18

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_every_backbone_maps_small_images_to_logits(name):
    network = build_backbone(name, 7, 3, 32)
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "millions"), [("resnet34", 21.33), ("resnet18", 11.22), ("preact-resnet18", 11.22)]
)
def test_parameter_counts_are_those_of_the_papers(name, millions):
    count = sum(weight.numel() for weight in build_backbone(name, 100, 3, 32).parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.01)


def convolution(inputs: int, outputs: int, size: int) -> int:
    return inputs * outputs * size * size + 2 * outputs  # with its batch norm


@pytest.mark.parametrize("width", [128, 256, 512])
def test_the_networks_of_stride_2_have_the_parameters_of_their_four_stages(width):
    network = build_backbone(f"resnet-stride2-{width}", 100, 3, 32)
    expected = convolution(3, 32, 3) + 2 * convolution(32, 32, 3)
    for inputs, outputs in [(32, 64), (64, 128), (128, width)]:
        expected += convolution(inputs, outputs, 3) + convolution(outputs, outputs, 3)
        expected += convolution(inputs, outputs, 1)  # the shortcut
    expected += width * 100 + 100
    assert sum(weight.numel() for weight in network.parameters()) == expected


@pytest.mark.parametrize("width", [128, 256, 512])
def test_the_last_stage_of_the_networks_of_stride_2_sees_four_positions(width):
    network = build_backbone(f"resnet-stride2-{width}", 100, 3, 32)
    stem, features = network.stem(torch.randn(2, 3, 32, 32)), []
    network.blocks.register_forward_hook(lambda module, inputs, output: features.append(output))
    network(torch.randn(2, 3, 32, 32))
    assert stem.shape == (2, 32, 16, 16)
    assert features[0].shape == (2, width, 2, 2)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "preact-resnet18"])
def test_the_stem_keeps_the_resolution(name):
    network = build_backbone(name, 100, 3, 32)
    shapes = []
    network.stem.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    network.blocks.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape))
    network(torch.randn(2, 3, 32, 32))
    assert shapes == [(2, 64, 32, 32), (2, 512, 4, 4)]
    assert not [module for module in network.modules() if isinstance(module, nn.MaxPool2d)]


def test_the_preactivation_network_has_no_normalization_before_its_classifier():
    network = build_backbone("preact-resnet18", 100, 3, 32)
    features = []
    network.blocks.register_forward_hook(lambda module, inputs, output: features.append(output))
    network(torch.randn(2, 3, 32, 32))
    # After a normalization and a rectifier nothing would be negative.
    assert (features[0] < 0).any()


def test_any_timm_network_can_be_named():
    network = build_backbone("timm:resnet10t", 11, 3, 32)
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 11)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet43", "Did you mean 'resnet34'"),
        ("timm:resnet10q", "Unknown timm network 'resnet10q'"),
        ("timm:vit_base_patch16_224", None),
    ],
)
def test_backbones_that_cannot_be_built_are_refused_with_a_way_out(name, message):
    if message is None:
        # A transformer of fixed input size is built for the images that there are.
        assert build_backbone(name, 5, 3, 32)(torch.randn(1, 3, 32, 32)).shape == (1, 5)
        return
    with pytest.raises(UsageError, match=message):
        build_backbone(name, 10, 3, 32)


def test_names_are_checked_before_anything_is_built():
    with pytest.raises(UsageError, match="timm:NAME"):
        check_backbone("alexnet")
    check_backbone("timm:resnet10t")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_logits_and_weights_are_float32_at_every_precision(precision):
    network = PreciseNetwork(build_backbone("small-cnn", 10, 3, 32), precision, CPU)
    inside = []
    network.body[0].register_forward_hook(
        lambda module, inputs, output: inside.append(output.dtype)
    )
    logits = network(torch.randn(4, 3, 32, 32))
    logits.sum().backward()
    assert logits.dtype == torch.float32
    assert inside == [torch.bfloat16 if precision == "bf16" else torch.float32]
    assert {weight.grad.dtype for weight in network.parameters()} == {torch.float32}


@pytest.fixture
def compiled_sizes(monkeypatch):
    """Sizes of the batches that would be compiled; they run as they are."""
    sizes = []

    def run(body, images):
        sizes.append(len(images))
        return body(images)

    monkeypatch.setattr("lnlbench.networks.precision.run_compiled", run)
    return sizes


def test_full_batches_of_training_are_compiled_and_nothing_else(compiled_sizes):
    network = PreciseNetwork(build_backbone("small-cnn", 10, 3, 32), "fp32", CPU, 4)
    for size in (4, 5, 8, 3, 16):
        network(torch.randn(size, 3, 32, 32))
    with torch.no_grad():
        network(torch.randn(12, 3, 32, 32))
    with torch.inference_mode():
        network(torch.randn(16, 3, 32, 32))
    assert compiled_sizes == [4, 8, 16, 12]
    plain = PreciseNetwork(build_backbone("small-cnn", 10, 3, 32), "fp32", CPU)
    plain(torch.randn(4, 3, 32, 32))
    assert compiled_sizes == [4, 8, 16, 12]


def test_logits_of_compiled_batches_are_copies(compiled_sizes, monkeypatch):
    network = PreciseNetwork(nn.Identity(), "fp32", CPU, 4)
    images = torch.randn(4, 2)
    assert network(images).data_ptr() != images.data_ptr()
    assert torch.equal(network(images), images)
    rest = torch.randn(3, 2)
    assert network(rest).data_ptr() == rest.data_ptr()


def test_what_cannot_be_compiled_is_an_error_with_a_way_on(monkeypatch):
    def broken(body, images):
        raise TorchDynamoException("no compiler here\nand a long trace")

    monkeypatch.setattr(compiled, "_compiled", lambda device_type: broken)
    with pytest.raises(
        UsageError, match=r"--compile failed: .*no compiler here\. .*without"
    ) as info:
        compiled.run_compiled(nn.Identity(), torch.randn(2, 2))
    assert "long trace" not in str(info.value)


@pytest.mark.slow
def test_a_compiled_network_computes_what_it_computes_without():
    torch.manual_seed(0)
    network = PreciseNetwork(build_backbone("small-cnn", 10, 3, 32), "fp32", CPU, 4)
    other = copy.deepcopy(network)
    with torch.no_grad():
        for weight in other.parameters():
            weight.mul_(2)
    images = torch.randn(8, 3, 32, 32).to(memory_format=torch.channels_last)
    for each in (network, other):  # a copy runs its own weights
        plain = copy.deepcopy(each)
        plain.compiled_batches = None
        torch.testing.assert_close(each(images), plain(images), rtol=1e-4, atol=1e-5)


def test_precision_is_chosen_by_the_hardware_unless_it_is_named(monkeypatch):
    monkeypatch.setattr("lnlbench.networks.precision._cpu_has_bf16", lambda: False)
    assert resolve_precision("auto", CPU) == "fp32"
    monkeypatch.setattr("lnlbench.networks.precision._cpu_has_bf16", lambda: True)
    assert resolve_precision("auto", CPU) == "bf16"
    assert resolve_precision("fp32", CPU) == "fp32"
    with pytest.raises(UsageError, match="fp16"):
        resolve_precision("fp16", CPU)


# DivideMix's native network, against the authors' PreResNet.py


def test_the_native_network_normalizes_after_its_first_convolution():
    layers = list(preact_resnet18(10, 3).modules())
    first = next(i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d))
    assert isinstance(layers[first + 1], nn.BatchNorm2d)
    assert isinstance(layers[first + 2], nn.ReLU)


def test_the_native_networks_identity_shortcut_takes_the_activated_input():
    block = PreActBlock(3, 3, 1).eval()
    nn.init.zeros_(block.conv2.weight)  # leaves the shortcut alone
    images = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        assert torch.equal(block(images), torch.relu(block.bn1(images)))
