"""A short track of one's own, and a run on a track."""

from cli import call

SHORT = """name = "tiny"
title = "Few digits"
dataset = "digits"
noise = "symmetric:0.20"
backbone = "small-cnn"
augment = "none"
epochs = 2
batch_size = 64
precision = "fp32"
limit_train = 128
limit_test = 64
optimizer = {lr = 0.05}
"""


def run(output, *arguments):
    return call("run", "--method", "ce", "--output", output, "--quiet", *arguments)
