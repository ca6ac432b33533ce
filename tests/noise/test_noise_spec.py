import pytest
from typer.testing import CliRunner

from lnlbench.cli import app
from lnlbench.data import DATASETS
from lnlbench.errors import UsageError
from lnlbench.noise import check_noise, noise_names, noise_sentences, parse_noise
from lnlbench.noise.spec import GIVEN, HUMAN, RATED


@pytest.mark.parametrize("text", ["clean", *HUMAN, "matched", "matched:worst", "instance:0.25"])
def test_what_is_read_is_written_the_same(text):
    assert str(parse_noise(text)) == text


def test_spellings_of_a_rate_are_one_noise():
    assert (
        parse_noise("symmetric:0.40")
        == parse_noise(" Symmetric:.4 ")
        == parse_noise("symmetric:4e-1")
    )


@pytest.mark.parametrize("kind", RATED)
@pytest.mark.parametrize("rate", ["1", "1.5", "-0.1", "nan", "inf", "-inf"])
def test_a_rate_outside_the_range_is_refused(kind, rate):
    with pytest.raises(UsageError, match=rf"rate {rate} is outside .* 0 <= rate < 1"):
        parse_noise(f"{kind}:{rate}")


def test_a_percentage_gets_the_right_spelling():
    with pytest.raises(UsageError, match=r"For 40 % write symmetric:0\.4"):
        parse_noise("symmetric:40")


@pytest.mark.parametrize("kind", RATED)
@pytest.mark.parametrize("text", ["{}", "{}:"])
def test_a_missing_rate_gets_an_example(kind, text):
    with pytest.raises(UsageError, match=rf"needs a rate .*Example: {kind}:0\.4"):
        parse_noise(text.format(kind))


@pytest.mark.parametrize("rate", ["half", "0,4", "0.4:1", "40%"])
def test_a_rate_that_is_no_number_is_refused(rate):
    with pytest.raises(UsageError, match="is not a number"):
        parse_noise(f"symmetric:{rate}")


def test_an_unknown_noise_gets_the_nearest_name():
    with pytest.raises(UsageError, match=r"Did you mean 'symmetric'\?.*symmetric:0\.4"):
        parse_noise("symetric:0.4")
    with pytest.raises(UsageError, match=r"Did you mean 'worst'\?"):
        parse_noise("worse")
    with pytest.raises(UsageError, match="human noise 'symmetric'"):
        parse_noise("matched:symmetric")


@pytest.mark.parametrize("text", ["clean:0.1", "noisy-fine:0.4", "worst:"])
def test_noises_without_a_rate_take_none(text):
    with pytest.raises(UsageError, match="takes no argument"):
        parse_noise(text)


@pytest.mark.parametrize("dataset", DATASETS)
def test_human_noise_belongs_to_its_data_set(dataset):
    for name in HUMAN:
        if name in DATASETS[dataset].human_noise:
            check_noise(name, dataset)
            check_noise(f"matched:{name}", dataset)
            continue
        owner = "data of your own" if name == GIVEN else r"belongs to --dataset (cifar10|cifar100)"
        with pytest.raises(UsageError, match=owner):
            check_noise(name, dataset)


def test_the_owner_of_a_human_noise_is_named():
    with pytest.raises(UsageError, match=r"'worst' belongs to --dataset cifar10;.*has noisy-fine"):
        check_noise("worst", "cifar100n")
    with pytest.raises(UsageError, match=r"--dataset cifar100-coarse;.*no human labels"):
        check_noise("noisy-coarse", "digits")


def test_asymmetric_noise_needs_a_map():
    check_noise("asymmetric:0.4", "cifar10")
    check_noise("asymmetric-superclass:0.4", "cifar100")
    check_noise("asymmetric-block:0.4", "cifar100")
    for dataset in ("digits", "cifar100-coarse"):
        with pytest.raises(UsageError, match=r"'pairflip:0\.4'"):
            check_noise("asymmetric:0.4", dataset)


def test_matched_noise_needs_human_labels():
    check_noise("matched", "cifar100")
    check_noise("matched", "cifar100-coarse")
    with pytest.raises(UsageError, match="'digits' has none"):
        check_noise("matched", "digits")
    with pytest.raises(UsageError, match="say which: matched:aggre, matched:random1"):
        check_noise("matched", "cifar10")


def test_every_listed_name_can_be_read():
    for name in noise_names():
        parse_noise(name.replace("RATE", "0.3"))


def test_every_noise_has_a_sentence():
    named = [name for names in noise_sentences() for name in names.split(", ")]
    assert named == noise_names()
    assert all(sentence.strip() for sentence in noise_sentences().values())


@pytest.mark.parametrize("command", [["run", "--help"], ["datasets"]])
def test_help_says_in_one_line_what_each_noise_is(command):
    shown = CliRunner().invoke(app, command, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    for name, sentence in noise_sentences().items():
        assert any(line.strip("│ ").startswith(name) and sentence in line for line in lines), name
