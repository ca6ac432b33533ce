"""Confident learning: counts and pruning against slow versions and cleanlab, and planted noise."""

import pytest
import torch
from lnlbench_selection import confident_joint as counts
from lnlbench_selection.confident_learning import (
    ConfidentLearning,
    class_weights,
    stratified_folds,
)
from planted import accuracy, planted_run

from lnlbench.testing.small_runs import make_embedding_run

RULES = {
    "by-class": "prune_by_class",
    "by-noise-rate": "prune_by_noise_rate",
    "both": "both",
    "confident-joint": "confident_learning",
}


def draw(seed=0, classes=4, samples=240):
    """Out-of-sample probabilities float64 [N, C] and labels, of which many are wrong."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.arange(samples) % classes
    redrawn = torch.randint(classes, (samples,), generator=generator)
    labels = torch.where(torch.rand(samples, generator=generator) < 0.3, redrawn, right)
    logits = torch.randn(samples, classes, generator=generator, dtype=torch.float64)
    logits[torch.arange(samples), right] += 2
    return logits.softmax(1), labels


def slow_class(row, thresholds):
    confident = [k for k, p in enumerate(row) if p >= thresholds[k] - 1e-6]
    if len(confident) < 2:
        return confident[0] if confident else -1
    return row.index(max(row))


def test_a_sample_counts_for_a_class_whose_threshold_it_reaches():
    probabilities, labels = draw()
    rows, given = probabilities.tolist(), labels.tolist()
    thresholds = []
    for k in range(4):
        own = [row[k] for row, y in zip(rows, given, strict=True) if y == k]
        thresholds.append(sum(own) / len(own))
    assert counts.class_thresholds(probabilities, labels).tolist() == pytest.approx(thresholds)
    expected = [slow_class(row, thresholds) for row in rows]
    assert counts.confident_classes(probabilities, labels).tolist() == expected
    assert {-1, 0, 1, 2, 3} == set(expected)


def test_the_joint_has_the_counts_of_given_labels_and_the_shares_of_confident_ones():
    probabilities, labels = draw()
    joint = counts.calibrated_joint(probabilities, labels)
    assert joint.sum(1).tolist() == labels.bincount().tolist()
    true = counts.confident_classes(probabilities, labels)
    for given in range(4):
        own = true[(labels == given) & (true >= 0)].bincount(minlength=4).double()
        assert ((own / own.sum() * joint[given].sum() - joint[given]).abs() < 1).all()


def test_rounding_keeps_the_sums_of_rows():
    values = torch.tensor([[0.4, 0.4, 0.4, 0.8], [1.5, 2.5, 3.5, 0.5], [3.0, 0.0, 1.0, 2.0]])
    assert counts.rounded_rows(values.double()).tolist()[0] == [0, 0, 1, 1]
    assert counts.rounded_rows(values.double()).sum(1).tolist() == [2, 8, 6]
    assert counts.rounded_rows(values.double()).tolist()[2] == [3, 0, 1, 2]


def test_as_many_labels_are_flagged_as_the_joint_has_wrong():
    probabilities, labels = draw()
    joint = counts.calibrated_joint(probabilities, labels)
    flags = counts.pruned_by_class(probabilities, labels, joint)
    for k in range(4):
        own = labels == k
        assert flags[own].sum() == joint[k].sum() - joint[k, k]
        likely = probabilities[own, k]
        assert likely[flags[own]].max() < likely[~flags[own]].min()
    by_rate = counts.pruned_by_noise_rate(probabilities, labels, joint)
    for i in by_rate.nonzero().squeeze(1).tolist():
        given = int(labels[i])
        margins = probabilities[labels == given] - probabilities[labels == given, given][:, None]
        ranks = (margins > probabilities[i] - probabilities[i, given]).sum(0)
        assert any(ranks[j] < joint[given, j] for j in range(4) if j != given)


def test_a_class_without_right_samples_keeps_one():
    joint = torch.tensor([[0, 3, 2], [1, 5, 0], [0, 0, 4]])
    assert counts.kept_on_diagonal(joint).tolist() == [[1, 2, 1], [1, 5, 0], [0, 0, 4]]


@pytest.mark.parametrize("rule", RULES)
def test_labels_that_are_predicted_are_never_flagged(rule):
    probabilities, labels = draw()
    flags = counts.wrong_labels(probabilities, labels, rule)
    assert flags.any()
    assert not flags[probabilities.argmax(1) == labels].any()


@pytest.mark.parametrize("seed", range(6))
def test_cleanlab_counts_and_flags_the_same(seed):
    count = pytest.importorskip("cleanlab.count")
    filters = pytest.importorskip("cleanlab.filter")
    probabilities, labels = draw(seed, classes=2 + seed, samples=300)
    given, likely = labels.numpy(), probabilities.numpy()
    theirs = torch.from_numpy(count.compute_confident_joint(given, likely))
    joint = counts.calibrated_joint(probabilities, labels)
    # Where two entries are equally far from whole numbers, which one is raised is arbitrary.
    assert (joint - theirs).abs().max() <= 1
    kept = counts.kept_on_diagonal(joint)
    by_class = counts.pruned_by_class(probabilities, labels, kept)
    by_rate = counts.pruned_by_noise_rate(probabilities, labels, kept)
    ours = {"by-class": by_class, "by-noise-rate": by_rate, "both": by_class & by_rate}
    for rule, flags in ours.items():
        found = filters.find_label_issues(
            given, likely, filter_by=RULES[rule], confident_joint=joint.numpy(), n_jobs=1
        )
        agreeing = counts.without_agreeing(flags, probabilities, labels)
        assert agreeing.tolist() == found.tolist(), rule
    found = filters.find_label_issues(given, likely, filter_by="confident_learning", n_jobs=1)
    assert counts.wrong_labels(probabilities, labels, "confident-joint").tolist() == found.tolist()


def test_folds_have_their_share_of_every_label():
    labels = torch.tensor([0] * 23 + [1] * 7 + [2])
    fold = stratified_folds(labels, 5, torch.Generator().manual_seed(0))
    for label in range(3):
        sizes = fold[labels == label].bincount(minlength=5)
        assert sizes.max() - sizes.min() <= 1
    other = stratified_folds(labels, 5, torch.Generator().manual_seed(1))
    assert not torch.equal(fold, other)


def test_a_class_weighs_what_its_pruned_samples_would_have():
    joint = torch.tensor([[6, 0, 1], [2, 5, 0], [2, 0, 4]])
    assert class_weights(joint).tolist() == pytest.approx([10 / 6, 1, 5 / 4])
    assert class_weights(torch.tensor([[0, 1], [1, 1]])).tolist() == [1000.0, 2.0]


def test_wrong_labels_are_left_out():
    run, right = planted_run(max_epochs=12, learning_rate_factor=lambda epoch: 1.0)
    method = ConfidentLearning(ConfidentLearning.Params())
    method.fit(run)
    clean = run.labels == right
    kept = method.clean_probability() > method.clean_threshold()
    assert 0.6 < clean.float().mean() < 0.8
    assert clean[kept].float().mean() > 0.9
    assert kept[clean].float().mean() > 0.8
    assert method.trained_networks() == [method.network]
    assert accuracy(method, run, right) > 0.9


def test_no_network_learns_the_fold_that_it_judges():
    run = make_embedding_run()
    method = ConfidentLearning(ConfidentLearning.Params(folds=3, validation_epochs=1))
    seen, batches = [], run.batches

    def recorded(indices=None, **settings):
        seen.append(set())
        for batch in batches(indices, **settings):
            seen[-1].update(batch.index.tolist())
            yield batch

    run.batches = recorded
    method.fit(run)
    for fold, learned in enumerate(seen[:3]):
        assert learned == set((method.fold != fold).nonzero().squeeze(1).tolist())
