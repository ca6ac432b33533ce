"""Wrong requests: exit code 2, one message with what was given and what would do, no traceback."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from cli import call, run_process
from refusals import assert_refused

from lnlbench.data.sources import SOURCES

pytestmark = pytest.mark.usefixtures("empty_folder")
DIGITS = ("run", "--track", "digits")
CE = (*DIGITS, "--method", "ce")
DIVIDEMIX = (*DIGITS, "--method", "dividemix")

# For each wrong request, what its message must contain.
WRONG = {
    "unknown method": (
        (*DIGITS, "--method", "dividemx"),
        ("'dividemx'", "Did you mean 'dividemix'?", "ce-clean", "lnlbench methods"),
    ),
    "one unknown method of several": (
        (*DIGITS, "--method", "ce,dividemx"),
        ("'dividemx'", "Did you mean 'dividemix'?"),
    ),
    "unknown track": (
        ("run", "--method", "ce", "--track", "digit"),
        ("'digit'", "Did you mean 'digits'?", "cifar100n-scratch", "lnlbench tracks"),
    ),
    "unknown recipe": (
        (*DIVIDEMIX, "--recipe", "nativ"),
        ("'nativ'", "Did you mean 'native'?", "matched"),
    ),
    "recipe of a method without any": ((*CE, "--recipe", "native"), ("'native'", "matched")),
    "unknown data set": ((*CE, "--dataset", "cifar11"), ("'cifar11'", "Did you mean 'cifar10'?")),
    "unknown noise": (
        (*CE, "--noise", "symetric:0.4"),
        ("'symetric:0.4'", "Did you mean 'symmetric'?", "symmetric:0.4"),
    ),
    "noise without a rate": ((*CE, "--noise", "symmetric"), ("needs a rate", "symmetric:0.4")),
    "noise rate in percent": ((*CE, "--noise", "symmetric:40"), ("40", "symmetric:0.4")),
    "noise rate in words": ((*CE, "--noise", "symmetric:half"), ("'half'", "symmetric:0.4")),
    "human noise of another data set": (
        (*CE, "--noise", "noisy-fine"),
        ("'noisy-fine'", "--dataset cifar100", "'digits'"),
    ),
    "unknown backbone": (
        (*CE, "--backbone", "resnet-smal"),
        ("'resnet-smal'", "Did you mean 'resnet-small'?", "timm:"),
    ),
    "unknown timm backbone": ((*CE, "--backbone", "timm:resnet10tt"), ("resnet10t'", "timm")),
    "unknown parameter": (
        (*DIVIDEMIX, "--set", "lamda_u=3"),
        ("'lamda_u'", "Did you mean 'lambda_u'?", "lnlbench methods show dividemix"),
    ),
    "parameter of a method without any": (
        (*DIGITS, "--method", "ce-clean", "--set", "lambda_u=3"),
        ("'lambda_u'", "none"),
    ),
    "parameter too large": (
        (*DIVIDEMIX, "--set", "clean_threshold=2"),
        ("'clean_threshold'", "given 2", "less than 1", "lnlbench methods show dividemix"),
    ),
    "parameter too small": (
        (*DIVIDEMIX, "--set", "lambda_u=-1"),
        ("'lambda_u'", "given -1", "greater than or equal to 0"),
    ),
    "parameter not finite": ((*DIVIDEMIX, "--set", "lambda_u=NaN"), ("'lambda_u'", "nan")),
    "parameter of another type": (
        (*DIVIDEMIX, "--set", "lambda_u=abc"),
        ("'lambda_u'", "'abc'", "number"),
    ),
    "parameter that is a list": (
        (*DIVIDEMIX, "--set", "warmup_epochs=[1]"),
        ("'warmup_epochs'", "[1]", "integer"),
    ),
    "parameter given twice": (
        (*DIVIDEMIX, "--set", "lambda_u=1", "--set", "lambda-u=2"),
        ("'lambda_u'", "twice", "1", "2"),
    ),
    "setting without =": ((*DIVIDEMIX, "--set", "lambda_u"), ("key=value", "'lambda_u'")),
    "setting without a key": ((*DIVIDEMIX, "--set", "=3"), ("key=value", "'=3'")),
    "no epochs": ((*CE, "--epochs", "0"), ("--epochs", "given 0", "greater than or equal to 1")),
    "batch of one": ((*CE, "--batch-size", "1"), ("--batch-size", "given 1", "equal to 2")),
    "validation above 1": ((*CE, "--validation", "1.5"), ("--validation", "1.5", "less than 0.9")),
    "validation of no sample": (
        (*CE, "--validation", "0.0001"),
        ("--validation", "0.0001", "1297", "larger share"),
    ),
    "labels of no validation": (
        (*CE, "--validation-labels", "clean"),
        ("--validation-labels clean", "--validation 0.1"),
    ),
    "noisy labels of no validation": (
        (*CE, "--validation-labels", "noisy", "--validation", "0"),
        ("--validation-labels noisy", "--validation 0.1"),
    ),
    "unknown validation labels": (
        (*CE, "--validation-labels", "cleen", "--validation", "0.1"),
        ("--validation-labels", "'cleen'", "'noisy' or 'clean'"),
    ),
    "negative learning rate": ((*CE, "--lr", "-1"), ("--lr", "given -1.0", "greater than 0")),
    "learning rate nan": ((*CE, "--lr", "nan"), ("--lr", "given nan", "finite")),
    "weight decay nan": ((*CE, "--weight-decay", "nan"), ("--weight-decay", "given nan", "finite")),
    "learning rate inf": ((*CE, "--lr", "inf"), ("--lr", "given inf", "finite")),
    "unknown precision": ((*CE, "--precision", "fp16"), ("--precision", "'fp16'", "'bf16'")),
    "unknown augmentation": ((*CE, "--augment", "flip"), ("--augment", "'flip'", "'crop-flip'")),
    "negative noise seed": ((*CE, "--noise-seed", "-1"), ("--noise-seed", "-1", "equal to 0")),
    "more training images than there are": (
        (*CE, "--limit-train", "5000"),
        ("--limit-train 5000", "1297"),
    ),
    "more test images than there are": ((*CE, "--limit-test", "501"), ("--limit-test 501", "500")),
    "one training image": ((*CE, "--limit-train", "1"), ("--limit-train", "given 1", "equal to 2")),
    "device that is none": ((*CE, "--device", "banana"), ("'banana'", "cpu", "cuda:N")),
    "device of another kind": ((*CE, "--device", "meta"), ("'meta'", "cpu", "cuda:N")),
    "seed and seeds": ((*CE, "--seed", "1", "--seeds", "2"), ("--seed", "--seeds", "not both")),
    "seeds in words": ((*CE, "--seeds", "many"), ("'many'", "0-4", "0,2,7")),
    "seeds of an open range": ((*CE, "--seeds", "3-"), ("'3-'", "0-4")),
    "seeds of a backward range": ((*CE, "--seeds", "4-0"), ("'4-0'", "0-4")),
    "no seeds": ((*CE, "--seeds", "0"), ("'0'", "0-4")),
    "negative seeds": ((*CE, "--seeds", "0,-1"), ("'0,-1'", "0-4")),
    "no method": (DIGITS, ("lnlbench run --method ce --track digits", "lnlbench methods")),
    "methods that name none": ((*DIGITS, "--method", ","), ("--method", "lnlbench methods")),
    "resume and method": (
        ("run", "--resume", "runs", "--method", "ce"),
        ("--resume", "--method"),
    ),
    "resume and spec": (("run", "--resume", "runs", "--spec", "a.json"), ("--resume", "--spec")),
    "spec and override": (("run", "--spec", "a.json", "--epochs", "3"), ("--spec", "override")),
    "resume and seed": (("run", "--resume", "runs", "--seed", "0"), ("--resume", "--seed")),
    "resume of nothing": (
        ("run", "--resume", "nowhere"),
        ("nowhere is not a run directory", "does not exist", "runs/digits/ce/"),
    ),
    "resume of another folder": (
        ("run", "--resume", "."),
        ("not a run directory", "spec.json", "runs/digits/ce/"),
    ),
    "spec that is missing": (("run", "--spec", "a.json"), ("a.json", "No such file")),
    "spec that is a folder": (("run", "--spec", "."), ("run spec", "directory")),
    "track that does not exist": (("tracks", "show", "digit"), ("Did you mean 'digits'?",)),
    "data set that does not exist": (
        ("datasets", "show", "cifar11"),
        ("'cifar11'", "Did you mean 'cifar10'?"),
    ),
    "network that does not exist": (
        ("backbones", "show", "resnet35"),
        ("'resnet35'", "Did you mean 'resnet34'?"),
    ),
    "timings into a folder": (
        ("bench", "--method", "ce", "--output", "."),
        ("--output names a file, and . is a folder",),
    ),
    "a search for the worst accuracy": (
        ("tune", "--method", "gce", "--track", "digits", "--minimize", "--dry-run"),
        ("--minimize", "the worst validation_accuracy", "--objective"),
    ),
    "a method's name in capitals": (("methods", "show", "GCE"), ("'GCE'", "Did you mean 'gce'?")),
    "an option of the list before a command of tracks": (
        ("tracks", "--json", "show", "digits"),
        ("--json stands before 'show'", "'lnlbench tracks show --help'"),
    ),
    "an option of the list before a command of plugins": (
        ("plugins", "--strict", "check", "ce"),
        ("--strict stands before 'check'", "'lnlbench plugins check --help'"),
    ),
    "a track as two kinds of document": (
        ("tracks", "show", "digits", "--toml", "--json"),
        ("--toml and --json", "give one of them"),
    ),
    "benchmark of an unknown method": (("bench", "--method", "cx"), ("'cx'", "Did you mean 'ce'?")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_refused(name, empty_folder):
    arguments, texts = WRONG[name]
    outcome = call(*arguments)
    assert_refused(outcome, *texts)
    assert outcome.err.startswith("Error: ")
    assert [
        path for path in empty_folder.rglob("*") if path.is_file() and path.name != ".lock"
    ] == []


def test_wrong_requests_through_the_real_entry_point(empty_folder):
    names = ("unknown method", "parameter too large", "more training images than there are")
    requests = [(*WRONG[name][0], "--output", empty_folder) for name in names]
    requests += [
        (*CE, "--epochs", "many"),
        (*CE, "--epoch", "3"),
        (*CE, "--seed", "-1"),
        ("trian",),
    ]
    expected = [WRONG[name][1] for name in names]
    # The rest is typer's own to say, and its words change with its version.
    expected += [("--epochs", "--help"), ("--epochs", "--help"), ("--seed", "--help"), ("trian",)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lambda request: run_process(*request, cwd=empty_folder), requests)
        for outcome, texts in zip(outcomes, expected, strict=True):
            assert_refused(outcome, *texts)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert_refused(call(*CE, "--device", device), f"'{device}'", "0 CUDA devices", "--device cpu")


@pytest.mark.parametrize("way", ["variable", "option", "missing folder"])
def test_data_that_are_not_there(tmp_path, empty_folder, way):
    data = tmp_path / "data"
    if way != "missing folder":
        data.mkdir()
    arguments = ("run", "--track", "cifar100n-scratch", "--method", "ce")
    if way == "variable":
        outcome = call(*arguments, LNLBENCH_DATA_DIR=str(data))
    else:
        outcome = call(*arguments, "--data-dir", data)
    files = [file for source in SOURCES["cifar100"] for file in source.files]
    assert len(files) == 4
    missing = [f"missing: {data / file}\n" for file in files]
    ways_on = ["--track digits", f"lnlbench data fetch cifar100 --data-dir {data}"]
    assert_refused(outcome, *missing, *ways_on)
    assert list(empty_folder.iterdir()) == []
