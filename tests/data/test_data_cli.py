import pytest
from typer.testing import CliRunner

from lnlbench.cli.data import app
from lnlbench.errors import EXIT_USAGE, DataError, UsageError


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_check_of_digits_counts_and_needs_no_folder():
    result = run("check", "digits")
    assert result.exit_code == 0
    assert "1,297" in result.stdout and "500" in result.stdout


@pytest.mark.parametrize("command", ["check", "fetch"])
def test_an_unknown_data_set_is_a_usage_error(command):
    result = run(command, "cifar1000")
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == EXIT_USAGE == 2
    assert "Did you mean 'cifar100'?" in str(result.exception)


def test_check_of_an_empty_folder_names_what_is_missing(tmp_path):
    result = run("check", "cifar100n", "--data-dir", tmp_path)
    assert isinstance(result.exception, DataError)
    assert str(tmp_path / "cifar-100-python/train") in str(result.exception)


def test_fetch_of_digits_has_nothing_to_do(tmp_path):
    result = run("fetch", "digits", "--data-dir", tmp_path)
    assert result.exit_code == 0
    assert "no file is missing" in result.stdout
    assert list(tmp_path.iterdir()) == []
