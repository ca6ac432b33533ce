"""Networks from pretrained weights: body and classifier, learning rates, the linear probe."""

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pretrained import BACKBONE, NETWORK, pretrained_file, tensors_of
from torch import nn
from torch.nn.functional import cross_entropy

from lnlbench.augment.resized import ResizedViews
from lnlbench.errors import UsageError
from lnlbench.networks.build import build_backbone
from lnlbench.networks.precision import PreciseNetwork
from lnlbench.networks.preprocessing import Preprocessing
from lnlbench.networks.pretrained import PretrainedNetwork
from lnlbench.networks.timm_backbone import Resized
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.runner.probe import PretrainedFeatures, Probe
from lnlbench.spec.overrides import override_protocol
from lnlbench.testing.small_runs import CPU, make_run
from lnlbench.tracks import load_track


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    return tensors_of(pretrained_file(tmp_path_factory.mktemp("weights")))


def protocol(**pretrained):
    changes = {"backbone": BACKBONE, "pretrained": {"image_size": 32, **pretrained}}
    return override_protocol(load_track("digits").protocol, changes)


def test_every_network_has_the_same_body_and_its_own_classifier(tensors):
    def build():
        return PretrainedNetwork(BACKBONE, tensors, 4)

    run = make_run(network=build)
    first, second = run.network(), run.network()
    for network in (first, second):
        state = network.body.state_dict()
        assert all(torch.equal(state[name], tensor) for name, tensor in tensors.items())
        assert {name.partition(".")[0] for name in network.state_dict()} == {"body", "classifier"}
        assert network.has_body_of(tensors)
    assert not torch.equal(first.classifier.weight, second.classifier.weight)
    first.train()(torch.randn(4, 3, 32, 32))  # moves batch statistics alone
    assert not first.has_body_of(tensors)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_each_layer_group_learns_at_its_share_of_the_rate(tensors, optimizer):
    spec = protocol(body_lr_factor=0.2, layer_decay=0.5)
    spec = override_protocol(spec, {"optimizer": {"name": optimizer, "lr": 0.1}})
    network = PreciseNetwork(PretrainedNetwork(BACKBONE, tensors, 4), "fp32", CPU)
    built = build_optimizer(network, spec)
    rates = {id(p): group["lr"] for group in built.param_groups for p in group["params"]}
    assert len(rates) == sum(len(group["params"]) for group in built.param_groups)
    assert rates.keys() == {id(parameter) for parameter in network.parameters()}
    body, depth = network.body.body, 0
    assert {rates[id(p)] for p in network.body.classifier.parameters()} == {0.1}
    for depth, group in enumerate(network.body.layer_groups()):
        assert {rates[id(p)] for p in group} == {0.1 * 0.2 * 0.5**depth}
    # timm's groups: the head's convolution comes first, the stem last.
    named = dict(body.named_parameters())
    assert rates[id(named["conv_stem.weight"])] == pytest.approx(0.02 * 0.5**depth)
    assert rates[id(named["conv_head.weight"])] == pytest.approx(0.02)
    assert depth >= 3


def test_the_schedule_multiplies_each_groups_own_rate(tensors):
    spec = protocol(body_lr_factor=0.5)
    run = make_run(
        network=lambda: PretrainedNetwork(BACKBONE, tensors, 4),
        build_optimizer=lambda network: build_optimizer(network, spec),
        learning_rate_factor=lambda epoch: 0.5**epoch,
    )
    optimizer = run.optimizer(run.network())
    seen = [{group["lr"] for group in optimizer.param_groups} for _ in run.epochs()]
    lr = spec.optimizer.lr
    expected = [{lr * factor, lr * factor / 2} for factor in (1, 0.5, 0.25)]
    for rates, wanted in zip(seen, expected, strict=True):
        assert sorted(rates) == pytest.approx(sorted(wanted))


def test_a_network_that_a_method_adds_learns_at_the_full_rate(tensors):
    both = nn.ModuleList([PretrainedNetwork(BACKBONE, tensors, 4), nn.Linear(3, 2)])
    spec = protocol()
    rates = {
        id(p): group["lr"]
        for group in build_optimizer(both, spec).param_groups
        for p in group["params"]
    }
    assert {rates[id(p)] for p in both[1].parameters()} == {spec.optimizer.lr}


@settings(max_examples=10)
@given(st.integers(8, 40), st.integers(0, 2**16))
def test_views_are_cropped_at_the_datas_size_and_then_resized(size, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8, generator=generator)
    preprocessing = Preprocessing(size, "bicubic", (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    views = ResizedViews(images, preprocessing, "crop-flip", CPU)
    assert torch.allclose(views.plain(1, 4), preprocessing(images[1:4]), atol=1e-4)
    draw = views.draw("weak", 3, generator)
    index = torch.tensor([4, 0, 2])
    expected = preprocessing(views.pixels(index, draw))
    assert torch.allclose(views.view(index, draw), expected, atol=1e-4)
    assert expected.shape == (3, 3, size, size)


def probe_of(run, tensors):
    embed = PretrainedFeatures(lambda: PretrainedNetwork(BACKBONE, tensors, 4), "fp32", CPU)
    return Probe(run._host.views, run.num_samples, tensors, embed)


def test_a_probe_trains_the_classifier_and_nothing_else(tensors):
    run = make_run(network=lambda: PretrainedNetwork(BACKBONE, tensors, 4), max_epochs=1)
    run._host.probe = probe_of(run, tensors)
    network = run.network()
    optimizer = run.optimizer(network)
    before = network.classifier.weight.detach().clone()
    network.train()
    seen = []
    for _ in run.epochs():
        classifier, batches = run.probe(network)
        for batch in batches:
            seen.append(batch.index)
            images = torch.cat([run._host.views.plain(int(i), int(i) + 1) for i in batch.index])
            network.body.eval()
            assert torch.allclose(batch.views[0], network.body(images), atol=1e-4)
            network.body.train()
            run.step(cross_entropy(classifier(batch.views[0]), batch.labels), optimizer)
    assert torch.cat(seen).sort().values.tolist() == list(range(run.num_samples))
    assert not torch.equal(network.classifier.weight, before)
    assert network.has_body_of(tensors)


def test_a_probe_after_fine_tuning_or_without_a_body_is_refused(tensors):
    run = make_run(network=lambda: PretrainedNetwork(BACKBONE, tensors, 4))
    with pytest.raises(UsageError, match="--pretrained"):
        run.probe(run.network())
    run._host.probe = probe_of(run, tensors)
    network = run.network()
    network.train()(torch.randn(4, 3, 32, 32))
    with pytest.raises(UsageError, match="before fine-tuning"):
        run.probe(network)
    with pytest.raises(UsageError, match="--pretrained"):
        run.probe(nn.Linear(3, 2))


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("test_vit", (8, 8)),
        ("vit_tiny_patch16_224", (8, 8)),
        ("swin_tiny_patch4_window7_224", (8, 8)),
        ("test_convnext", None),
        ("convnext_tiny", None),
    ],
)
def test_transformers_and_convnexts_train_at_cifars_resolution(name, grid):
    torch.manual_seed(0)
    network = build_backbone(f"timm:{name}", 4, 3, 32)
    assert network.training
    if grid is not None:
        assert network.patch_embed.grid_size == grid
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    logits = network(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 4)
    cross_entropy(logits, torch.tensor([0, 3])).backward()
    missing = [key for key, value in network.named_parameters() if value.grad is None]
    assert missing == []
    optimizer.step()
    assert all(torch.isfinite(value).all() for value in network.parameters())


def test_a_network_that_cannot_take_small_images_sees_larger_ones():
    network = build_backbone("timm:halonet26t", 4, 3, 32)
    assert isinstance(network, Resized)
    assert network.image_size == timm.get_pretrained_cfg("halonet26t").input_size[-1]
    sizes = []
    network.network.register_forward_pre_hook(lambda module, inputs: sizes.append(inputs[0].shape))
    assert network.eval()(torch.randn(1, 3, 32, 32)).shape == (1, 4)
    assert sizes == [(1, 3, network.image_size, network.image_size)]


def test_a_pretrained_transformer_keeps_its_own_size():
    assert Preprocessing.of("timm:vit_tiny_patch16_224", None).image_size == 224
    with pytest.raises(UsageError, match="takes only 224x224 pixels"):
        Preprocessing.of("timm:vit_tiny_patch16_224", 32)
    assert Preprocessing.of(f"timm:{NETWORK}", 32).image_size == 32
