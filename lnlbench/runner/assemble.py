"""Turn a spec into a run that is ready to start: its data, inputs, method and directory."""

from lnlbench.data.class_names import class_lines
from lnlbench.data.dataset import Dataset
from lnlbench.errors import UsageError
from lnlbench.interface.method import Method
from lnlbench.runner import compilation
from lnlbench.runner.checkpoint import load_checkpoint
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import Display
from lnlbench.runner.execution import Execution
from lnlbench.runner.forecast import ForecastingDisplay
from lnlbench.runner.image_size import size_line
from lnlbench.runner.inputs import build_inputs
from lnlbench.runner.options import RunOptions
from lnlbench.runner.prepare import prepare
from lnlbench.spec.run_data import RunData
from lnlbench.spec.run_spec import RunSpec, make_method


def find_data(spec: RunSpec, directory: RunDirectory, data: RunData) -> Dataset:
    """A run's data set; its directory remembers where a plugin found it.

    Raises:
        UsageError: the data set or its plugin is missing, or the plugin does not find it.
        DataError: the data are damaged, or not those that the spec pins.
    """
    dataset, locations = data.load(spec.protocol, directory.read_locations())
    if locations:
        directory.write_locations(locations)
    return dataset


def assemble(
    spec: RunSpec,
    method: type[Method],
    dataset: Dataset,
    directory: RunDirectory,
    display: Display,
    options: RunOptions,
    blind: bool = False,
) -> Execution:
    """Make a run of a spec, whose method and data set the caller has found.

    A `blind` run knows neither clean labels nor test samples. This writes the spec into the run's
    directory. The run resumes from a checkpoint there, unless the options say to overwrite it.

    Raises:
        UsageError: parameters or data do not fit the spec, pretrained weights are missing, the
            directory cannot be written, or the options ask for samples of a run that began
            without them.
        DataError: pretrained weights are damaged, or not the ones that the spec names.
    """
    chosen = make_method(spec, method)
    prepared = prepare(spec, dataset, options.device)
    if blind:
        prepared = prepared.blinded()
    inputs = build_inputs(prepared, options.weights)
    if options.overwrite:
        directory.clear()
    elif options.samples:
        _check_watched(directory, options)
    choice = compilation.choose(
        options.compiled, prepared, inputs, method.networks, directory.checkpoint_file
    )
    prepared, inputs = compilation.apply(choice, prepared, inputs)
    if choice.reason:
        display.working(f"{'compiled' if choice.compiled else 'not compiled'}: {choice.reason}")
    directory.write_spec(spec)
    if spec.protocol.data is not None and not blind:
        counts = prepared.noisy.labels.bincount(minlength=dataset.num_classes)
        for line in class_lines(dataset.classes, counts.tolist()):
            display.working(line)
        if not dataset.holds_features:
            display.working(size_line(dataset.train_images.shape[-2:], spec.protocol))
    noted = prepared.with_notes(inputs.notes)
    if options.earlier is not None:
        display = ForecastingDisplay(display, noted, chosen, options.earlier)
    return Execution(noted, inputs, chosen, directory, display, options)


def _check_watched(directory: RunDirectory, options: RunOptions) -> None:
    file = directory.checkpoint_file
    if file.exists() and load_checkpoint(file, options.device).get("samples") is None:
        raise UsageError(
            f"The run in {directory.path} began without --samples, so its earlier epochs were not "
            "recorded sample by sample. Resume it without --samples, or start it anew with "
            "--overwrite."
        )
