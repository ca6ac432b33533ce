"""Batched augmentations on tensors that live on the run's device."""
