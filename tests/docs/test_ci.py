"""`.ci/run` leaves a checkout as it is, and names files that exist."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir() if path.is_file())
COMMAND = "<!-- {} command -->\n```sh\n{}\n```\n"
IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *IDENTITY, "-C", folder, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A repository with `.ci/run`, a README whose commands the test writes, and ignored files."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    for ignored in (".venv", "demo"):
        (folder / ignored).mkdir()
        (folder / ignored / "mine").write_text("kept")
    (folder / ".gitignore").write_text(".venv/\ndemo/\n")
    git(tmp_path, "init", "-q", str(folder))
    return folder


def commit(checkout: Path, readme: str) -> None:
    (checkout / "README.md").write_text(readme)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "README")


def run_ci(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [checkout / ".ci" / "run"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def files(checkout: Path) -> list[Path]:
    """All files and folders but git's own."""
    return sorted(path for path in checkout.rglob("*") if ".git" not in path.parts)


def test_a_readme_command_that_fails_fails_the_run_and_leaves_the_checkout_alone(checkout):
    first, second = "mkdir demo && pwd", "exit 7"
    commit(checkout, COMMAND.format("first", first) + COMMAND.format("second", second))
    before = files(checkout)
    done = run_ci(checkout)
    assert done.returncode == 7
    assert f"first command: {first}" in done.stdout
    assert f"second command: {second}" in done.stdout
    assert str(checkout) not in done.stdout
    assert files(checkout) == before
    assert (checkout / ".venv" / "mine").read_text() == "kept"


def test_a_readme_without_a_command_fails_the_run(checkout):
    commit(checkout, COMMAND.format("first", "echo well"))
    done = run_ci(checkout)
    assert done.returncode == 1
    assert "README.md has no second command" in done.stdout


def test_only_what_is_committed_is_run_and_the_script_says_so(checkout):
    commit(checkout, COMMAND.format("first", "exit 3"))
    (checkout / "README.md").write_text(COMMAND.format("first", "exit 4"))
    done = run_ci(checkout)
    assert done.returncode == 3
    assert "Only what is committed is tested" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_paths_that_ci_names_exist(script):
    named = re.findall(r"(?<![\w/$.])(?:tests|\.ci|leaderboards)/[\w./-]*\w", script.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert script.name != "run" or ".ci/downstream" in named
