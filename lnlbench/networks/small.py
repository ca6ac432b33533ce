"""A three-layer convolutional network for the digits track: seconds per run on a laptop."""

from torch import nn


def small_cnn(num_classes: int, channels: int) -> nn.Module:
    """Three strided 3x3 convolutions (32, 64, 128 channels), average pooling, one linear layer."""
    layers: list[nn.Module] = []
    inputs = channels
    for width in (32, 64, 128):
        layers += [nn.Conv2d(inputs, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, num_classes)
    )
