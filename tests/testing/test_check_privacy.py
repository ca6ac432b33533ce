"""The check of privacy finds a method that reaches more than it declares."""

from types import SimpleNamespace

from good_method import Good, trials
from torch.nn.functional import cross_entropy

from lnlbench.testing.privacy import check_privacy, secrets_in
from lnlbench.testing.small_runs import make_run
from lnlbench.testing.trials import digits


def test_a_method_that_reads_the_data_set_itself():
    def prepare(self, run):
        from lnlbench.data import load_dataset

        Good.prepare(self, run)
        self.truth = load_dataset("digits").train_labels

    finding = check_privacy(trials(prepare=prepare))
    assert finding.status == "failed"
    assert "reads a data set itself: digits" in finding.found


def test_a_method_that_breaks_into_the_runner():
    def learn(self, batch, epoch):
        from lnlbench.runner.control import in_progress

        truth = in_progress.get().prepared.split.clean_labels
        return cross_entropy(self.network(batch.views[0]), truth[batch.index])

    finding = check_privacy(trials(learn=learn))
    assert finding.status == "failed"
    assert "learns something else" in finding.found


def test_what_a_run_leads_to_is_found():
    dataset = digits(50)
    assert secrets_in(make_run(), dataset) == []
    told = make_run(oracle={"clean_labels": dataset.train_labels.clone()})
    assert secrets_in(told, dataset) == ["clean labels"]
    assert secrets_in(told, dataset, frozenset({"clean_labels"})) == []
    holder = SimpleNamespace(dataset=dataset)
    followed = make_run(build_optimizer=lambda network: holder.dataset)
    assert secrets_in(followed, dataset) == [
        "Dataset",
        "clean labels",
        "test images",
        "test labels",
    ]


def test_an_oracle_may_see_what_it_declares():
    def learn(self, batch, epoch):
        return cross_entropy(self.network(batch.views[0]), self.truth[batch.index])

    def prepare(self, run):
        Good.prepare(self, run)
        self.truth = run.clean_labels

    oracle = trials(learn=learn, prepare=prepare, oracle=frozenset({"clean_labels"}))
    finding = check_privacy(oracle)
    assert finding.status == "passed"
    assert "clean_labels" in finding.found
