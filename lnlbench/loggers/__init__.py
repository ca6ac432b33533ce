"""Loggers that `lnlbench run --log NAME` adds to the plugins that observe runs."""

from importlib import import_module

from lnlbench.errors import unknown_name

_CLASSES = {
    "csv": "CsvLogger",
    "mlflow": "MlflowLogger",
    "tensorboard": "TensorBoardLogger",
    "wandb": "WandbLogger",
}
NAMES = tuple(_CLASSES)


def make_logger(name: str) -> object:
    """A logger by name, an object that implements the observing hooks.

    Raises:
        UsageError: there is no such logger, or a package that it needs is not installed.
    """
    if name not in NAMES:
        raise unknown_name(
            "logger",
            name,
            NAMES,
            "Plugins that observe runs need no --log; they observe every run.",
        )
    made: object = getattr(import_module(f"lnlbench.loggers.{name}"), _CLASSES[name])()
    return made
