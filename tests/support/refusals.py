"""What a refused request says, and that it leaves no file."""


def assert_refused(outcome, *texts):
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    for text in texts:
        assert text in outcome.err


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
