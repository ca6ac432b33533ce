"""Write a new plugin package from templates."""

import keyword
import re
from datetime import UTC, datetime
from pathlib import Path

import lnlbench
from lnlbench.errors import UsageError, unknown_name
from lnlbench.plugins.checks import METHOD_NAME
from lnlbench.system.temporary import temporary_folder

KINDS = {
    "loss": "A method for learning with noisy labels that is one loss, for lnlbench.",
    "two-network": "A method for learning with noisy labels of two networks, for lnlbench.",
    "backbone": "A network with pretrained weights, for lnlbench.",
    "network": "A network of its own, trained from random weights, for lnlbench.",
    "dataset": "A data set, for lnlbench.",
}
LICENCES = ("MIT", "BSD-3-Clause", "Apache-2.0")
_USAGE = {
    "loss": "lnlbench run --track digits --method {name}",
    "two-network": "lnlbench run --track digits --method {name}",
    "backbone": "lnlbench backbones",
    "network": "lnlbench run --track digits --backbone {name} --method ce",
    "dataset": "lnlbench run --track digits --dataset {name} --method ce",
}


def write_plugin(name: str, kind: str, output: Path, licence: str, author: str | None) -> Path:
    """Write the package `lnlbench-NAME` into a new folder of `output`; returns the folder.

    Raises:
        UsageError: a name is not allowed or taken, or the folder exists or cannot be written.
    """
    if kind not in KINDS:
        raise unknown_name("kind of plugin", kind, KINDS)
    if licence not in LICENCES:
        raise unknown_name("licence", licence, LICENCES)
    name = name.removeprefix("lnlbench-")
    _check_name(name, kind)
    folder = output / f"lnlbench-{name}"
    if folder.exists():
        raise UsageError(f"{folder} exists. Choose another name, or another place with --output.")
    try:
        output.mkdir(parents=True, exist_ok=True)
        # The folder gets its name only once it is complete, so a failure leaves no half of it.
        with temporary_folder(f".lnlbench-{name}-", output) as fresh:
            fresh.chmod(0o755)
            for place, text in _render(name, kind, licence, author).items():
                file = fresh / place
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            fresh.rename(folder)
    except OSError as error:
        raise UsageError(
            f"Cannot write {folder}: {error.strerror}. Choose another place with --output."
        ) from error
    return folder


def _check_name(name: str, kind: str) -> None:
    if not METHOD_NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        guess = f" Did you mean {near!r}?" if near else ""
        raise UsageError(
            f"A plugin's name is lower-case words of a-z and 0-9 joined by hyphens; given "
            f"{name!r}.{guess}"
        )
    if kind in ("loss", "two-network"):
        from lnlbench.methods import register_methods

        taken = sorted(method.name for method in register_methods())
    elif kind == "network":
        from lnlbench.networks import BACKBONES, FEATURES

        taken = [*BACKBONES, FEATURES]
    else:
        from lnlbench.data.names import DATASETS

        taken = sorted({*DATASETS, *(each for info in DATASETS.values() for each in info.aliases)})
    if name in taken:
        raise UsageError(
            f"{name!r} is a name of lnlbench's own, so a plugin's would be refused. Choose another."
        )


def _render(name: str, kind: str, licence: str, author: str | None) -> dict[str, str]:
    """The text of every file, by its path in the package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lnlbench", "plugins/templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # Python and TOML, not HTML
    )
    distribution, module = f"lnlbench-{name}", f"lnlbench_{name.replace('-', '_')}"
    class_name = "".join(word.capitalize() for word in name.split("-"))
    if not class_name.isidentifier() or keyword.iskeyword(class_name):
        class_name = f"Method{class_name}"
    values = {
        "name": name,
        "kind": kind,
        "licence": licence,
        "author": author,
        "holder": author or f"the authors of {distribution}",
        "distribution": distribution,
        "module": module,
        "class_name": class_name,
        "summary": KINDS[kind],
        "usage": _USAGE[kind].format(name=name),
        "requirement": _requirement(lnlbench.__version__),
        "year": datetime.now(UTC).year,
    }
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "LICENSE": f"{licence}.txt",
        ".gitignore": "gitignore",
        ".github/workflows/test.yml": "ci.yml",
        f"{module}.py": f"{kind}.py",
        f"tests/test_{module.removeprefix('lnlbench_')}.py": f"{kind}_test.py",
    }
    return {
        place: environment.get_template(f"{template}.j2").render(values)
        for place, template in templates.items()
    }


def _requirement(version: str) -> str:
    """A range from this minor version up to the next, which may break plugins."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return f">={major}.{minor},<{major}.{minor + 1}"
