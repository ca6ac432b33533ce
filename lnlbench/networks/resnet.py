"""Residual networks with the CIFAR stem: 3x3 convolution, stride 1, no max-pooling."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """The 3x3 convolution of every residual block, without bias."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


def _activated(maps: Tensor) -> Tensor:
    # In place: on a CPU, a new tensor for each activation makes a pass take up to a tenth longer.
    return relu(maps, inplace=True)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, each normalized and then activated (He et al., CVPR 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps to feature maps, `stride` times smaller."""
        out = _activated(self.bn1(self.conv1(images)))
        return _activated(self.bn2(self.conv2(out)).add_(self.shortcut(images)))


class PreActBlock(nn.Module):
    """Two 3x3 convolutions, each after normalization and activation (He et al., ECCV 2016).

    The identity shortcut carries the activated input, as in DivideMix's PreResNet.py.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3x3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3x3(outputs, outputs)
        self.shortcut: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps to feature maps, `stride` times smaller."""
        out = _activated(self.bn1(images))
        skipped = out if self.shortcut is None else self.shortcut(out)
        return self.conv2(_activated(self.bn2(self.conv1(out)))).add_(skipped)


class CifarResNet(nn.Module):
    """Stages of residual blocks on small images; all stages but the first halve the resolution."""

    def __init__(
        self,
        block: type[BasicBlock | PreActBlock],
        blocks: Sequence[int],
        widths: Sequence[int],
        num_classes: int,
        channels: int,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        stem = conv3x3(channels, widths[0], stem_stride)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
        layers: list[nn.Module] = []
        inputs = widths[0]
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            for position in range(count):
                stride = 2 if stage > 0 and position == 0 else 1
                layers.append(block(inputs, width, stride))
                inputs = width
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, C] of images [B, channels, H, W]: pooled features through one linear layer."""
        features = self.blocks(self.stem(images))
        return self.classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(features, 1), 1))


def resnet18(num_classes: int, channels: int) -> nn.Module:
    """ResNet-18 with the CIFAR stem."""
    return CifarResNet(BasicBlock, (2, 2, 2, 2), (64, 128, 256, 512), num_classes, channels)


def resnet34(num_classes: int, channels: int) -> nn.Module:
    """ResNet-34 with the CIFAR stem, 21.3 M parameters at 100 classes: the CIFAR-N network."""
    return CifarResNet(BasicBlock, (3, 4, 6, 3), (64, 128, 256, 512), num_classes, channels)


def preact_resnet18(num_classes: int, channels: int) -> nn.Module:
    """Pre-activation ResNet-18, 11.2 M parameters; no normalization before the classifier.

    Follows the network of github.com/LiJunnan1992/DivideMix (PreResNet.py).
    """
    return CifarResNet(PreActBlock, (2, 2, 2, 2), (64, 128, 256, 512), num_classes, channels)


def resnet_small(num_classes: int, channels: int) -> nn.Module:
    """A small network for CPUs: stem of stride 2, three stages of one block each."""
    return CifarResNet(BasicBlock, (1, 1, 1), (32, 64, 128), num_classes, channels, stem_stride=2)


def resnet_stride2(width: int, num_classes: int, channels: int) -> nn.Module:
    """`resnet_small` with a fourth stage of `width` channels: many weights at low resolution.

    On images of 32 pixels the last stage sees only 2x2 positions. Its many weights can memorize
    wrong labels, yet cost a CPU little: 3.4 M parameters at `width` 512 and 100 classes.
    """
    widths = (32, 64, 128, width)
    return CifarResNet(BasicBlock, (1, 1, 1, 1), widths, num_classes, channels, stem_stride=2)


def resnet_stride2_128(num_classes: int, channels: int) -> nn.Module:
    """A network for CPUs: stem of stride 2, four stages of one block, the last 128 wide."""
    return resnet_stride2(128, num_classes, channels)


def resnet_stride2_256(num_classes: int, channels: int) -> nn.Module:
    """A network for CPUs: stem of stride 2, four stages of one block, the last 256 wide."""
    return resnet_stride2(256, num_classes, channels)


def resnet_stride2_512(num_classes: int, channels: int) -> nn.Module:
    """A network for CPUs: stem of stride 2, four stages of one block, the last 512 wide."""
    return resnet_stride2(512, num_classes, channels)
