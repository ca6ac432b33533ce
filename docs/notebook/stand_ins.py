"""What the authors' scripts find in place of a GPU, an older torch, their data and networks."""

import json
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from shared_images import EPOCHS, SharedImages
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

Curves = dict[str, list[float]]
Build = Callable[..., nn.Module]


def for_all() -> None:
    """A CPU in place of a GPU; `next` of a loader's iterator; torch.load of our own file."""
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self: self  # type: ignore[assignment]
    torch.cuda.set_device = lambda device: None  # type: ignore[assignment]
    iterator = torch.utils.data.dataloader._BaseDataLoaderIter
    iterator.next = iterator.__next__  # type: ignore[attr-defined]
    torch.load = partial(torch.load, weights_only=False)


def stand_in(name: str, **content: Any) -> None:
    """Let the scripts import a module that is not installed."""
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(content)


def normalized(network: nn.Module) -> nn.Module:
    """Our network with our normalization in front, for a script that does not normalize."""
    from torchvision.transforms import Normalize

    return nn.Sequential(Normalize((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)), network)


def for_dividemix(images: SharedImages, build: Build) -> Curves:
    """Network, and a meter that keeps the beliefs by which each network's data are divided."""
    beliefs: list[np.ndarray] = []
    curves: Curves = {"label_precision": [], "selected": []}

    class Meter:
        reset = staticmethod(lambda: None)

        def add(self, belief: np.ndarray, right: np.ndarray) -> None:
            self.auc = roc_auc_score(right, belief)
            assert np.array_equal(right, images.right)
            beliefs.append(belief)
            if len(beliefs) % 2 == 0:
                chosen = (beliefs[-1] + beliefs[-2]) / 2 > 0.5
                curves["label_precision"].append(float(right[chosen].mean()))
                curves["selected"].append(float(chosen.mean()))

        def value(self) -> tuple[float, None, None]:
            return self.auc, None, None

    stand_in("torchnet")
    stand_in("torchnet.meter", AUCMeter=Meter)
    Path("checkpoint").mkdir()
    import_module("PreResNet").ResNet18 = build
    return curves


def for_co_teaching(images: SharedImages, build: Build) -> Curves:
    """Python 3, the given labels, the network, and a watch on what both networks keep."""
    from lib2to3 import refactor

    files = [str(file) for file in Path().rglob("*.py")]
    refactor.RefactoringTool(["lib2to3.fixes.fix_print"]).refactor(files, write=True)
    given = images.given_labels[:, None]
    cifar = import_module("data.cifar")
    cifar.check_integrity = lambda file, md5: True
    cifar.noisify = lambda **_: (given, float(1 - images.right.mean()))
    import_module("model").CNN = build
    loss = import_module("loss")
    original, calls = loss.loss_coteaching, 0
    steps = len(given) // 128
    kept = np.ones((2, len(given)), bool)
    curves: Curves = {"label_precision": [], "selected": []}

    def watched(
        first: Tensor, second: Tensor, labels: Tensor, rate: float, index: np.ndarray, right: Any
    ) -> Any:
        nonlocal calls
        calls += 1
        count = int((1 - rate) * len(labels))
        kept[:, index] = False
        for row, logits in enumerate((first, second)):
            losses = cross_entropy(logits.detach(), labels, reduction="none")
            kept[row, index[losses.argsort()[:count].numpy()]] = True
        if calls % steps == 0:
            both = kept.all(0)
            curves["label_precision"].append(float(images.right[both].mean()))
            curves["selected"].append(float(both.mean()))
        return original(first, second, labels, rate, index, right)

    loss.loss_coteaching = watched
    return curves


def for_elr(images: SharedImages, build: Build) -> Curves:
    """The given labels, all images to train on, the network, and the settings of the run."""
    for name in ("mlflow", "mlflow.pytorch", "requests"):
        stand_in(name)
    import_module("model.model").resnet34 = build
    from torchvision.datasets import CIFAR100

    CIFAR100._check_integrity = lambda self: True
    CIFAR100._load_meta = lambda self: None
    cifar = import_module("data_loader.cifar100")
    everything = np.arange(len(images.given_labels))
    # The validation images decide only which weights the script saves.
    cifar.train_val_split = lambda labels: (everything, everything[:128])

    def use_given_labels(self: Any) -> None:
        self.train_labels_gt, self.train_labels = images.true_labels, images.given_labels

    cifar.CIFAR100_train.symmetric_noise = use_given_labels
    cifar.CIFAR100_val.symmetric_noise = lambda self: None
    config = json.loads(Path("config_cifar100.json").read_text(encoding="utf-8"))
    config["num_classes"] = 20
    config["data_loader"]["args"] |= {"data_dir": "./", "num_workers": 0}
    config["lr_scheduler"]["args"]["milestones"] = [5, 8]
    config["trainer"]["epochs"] = EPOCHS
    Path("config.json").write_text(json.dumps(config), encoding="utf-8")
    return {}


def for_ce(images: SharedImages, build: Build) -> Curves:
    """The network; CIFAR-100's checksum does not hold for our selection of it."""
    import_module("data.cifar").check_integrity = lambda file, md5: True
    import_module("models").ResNet34 = build
    return {}
