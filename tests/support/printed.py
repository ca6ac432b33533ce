"""What `lnlbench run` has printed: results, and specs."""

import json

from cli import call


def results_of(outcome):
    assert outcome.code == 0, outcome.err
    return [each["result"] for each in json.loads(outcome.out)["results"]]


def printed_specs(*arguments):
    outcome = call("run", "--print-spec", *arguments)
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]
