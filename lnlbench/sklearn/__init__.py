"""A scikit-learn classifier that learns from labels of which some are wrong."""

from lnlbench.sklearn.classifier import NoisyLabelClassifier

__all__ = ["NoisyLabelClassifier"]
