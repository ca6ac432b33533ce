"""One run in execution: call the method's fit, watch it at each epoch, and make a result."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from lnlbench.errors import Diverged
from lnlbench.interface.artifacts import write_artifact
from lnlbench.interface.event import Event
from lnlbench.interface.host import RunControl, RunHost
from lnlbench.interface.method import Method
from lnlbench.interface.run import Run
from lnlbench.networks.passes import Passes
from lnlbench.plugins import Origin
from lnlbench.results import Result
from lnlbench.runner import epoch_checks
from lnlbench.runner.build_result import Status, build_result
from lnlbench.runner.checkpoint import capture, load_checkpoint, restore, save_checkpoint
from lnlbench.runner.control import ControlByLookup, in_progress
from lnlbench.runner.directory import RunDirectory
from lnlbench.runner.display import Display, EpochReport
from lnlbench.runner.ending import ending
from lnlbench.runner.environment import changes, describe_environment
from lnlbench.runner.evaluation import eval_batch_size
from lnlbench.runner.given_labels import check_unchanged, copy_of
from lnlbench.runner.inputs import Inputs
from lnlbench.runner.measurements import Measurements
from lnlbench.runner.observers import Observers
from lnlbench.runner.optimizers import build_optimizer
from lnlbench.runner.options import RunOptions
from lnlbench.runner.oracle import privileged_knowledge
from lnlbench.runner.prepare import Prepared
from lnlbench.runner.record import Record
from lnlbench.seeds import global_streams_kept, seed_global_streams
from lnlbench.system.interruption import StopRequest, stop_on_signals
from lnlbench.tracks.schedule import learning_rate_factor

SHOW_SECONDS = 5.0  # between two lines about long work


class Execution(RunControl):
    """One run from its spec to its result, in its directory."""

    def __init__(
        self,
        prepared: Prepared,
        inputs: Inputs,
        method: Method,
        directory: RunDirectory,
        display: Display,
        options: RunOptions,
    ) -> None:
        self.prepared = prepared
        self.inputs = inputs
        self.method = method
        self.directory = directory
        self.display = display
        self.observers = Observers(options.observers)
        self.record = Record()
        self.environment = describe_environment(
            prepared.device, prepared.precision, prepared.compiled, prepared.compilation
        )
        self._stop, self._in_epochs = StopRequest(), False
        protocol, split, device = prepared.spec.protocol, prepared.split, prepared.device
        batch_size = eval_batch_size(protocol, device)
        self._measurements = Measurements(prepared, inputs, batch_size, options.samples)
        self._given_labels = copy_of(split.training.labels, device)
        self._run = Run(
            RunHost(
                views=inputs.training,
                labels=self._given_labels,
                num_classes=prepared.dataset.num_classes,
                max_epochs=protocol.epochs,
                batch_size=protocol.batch_size,
                eval_batch_size=batch_size,
                seed=prepared.spec.seed,
                device=device,
                build_network=inputs.build_network,
                probe=inputs.probe,
                embed=inputs.embed,
                build_optimizer=lambda network: build_optimizer(network, protocol),
                learning_rate_factor=partial(learning_rate_factor, protocol),
                oracle=privileged_knowledge(prepared, method),
                control=ControlByLookup(),
            )
        )

    def run(self, origin: Origin) -> Result:
        """Train, evaluate, and return the result, also of a failed run; writes the result file too.

        Raises:
            KeyboardInterrupt: a second signal came while the run was still stopping.
        """
        status, error = self.fit()
        if status == "done":
            file = self.directory.samples_file
            self._measurements.write_samples(file, self.method, self.record.epochs)
        result = build_result(
            self.prepared, self.method, origin, self.record, self.environment, status, error
        )
        self.directory.write_result(result)
        document = result.model_dump(mode="json")
        self.observers.tell("run_finished", directory=self.directory.path, result=document)
        return result

    def fit(self) -> tuple[Status, str | None]:
        """Train and evaluate; returns how the run ended, and the reason if it did not end well."""
        token = in_progress.set(self)
        try:
            with global_streams_kept(), stop_on_signals() as self._stop:
                seed_global_streams(self.prepared.spec.seed, "global", "start")
                # A method's work before its first epoch is part of its cost.
                self._began = self._shown = time.monotonic()
                self._computed = time.process_time()
                self.method.fit(self._run)
                self._check_given()
                epoch_checks.check_ended(
                    self.record, self.method, self.prepared.spec.protocol.epochs
                )
        except Exception as error:  # a method's own mistake must not lose the other runs
            return ending(error, self.method, self.directory, bool(self._stop.signal_name))
        finally:
            in_progress.reset(token)
        return "done", None

    def restore(self) -> int:
        """Load the checkpoint, if there is one; returns the epoch to train next."""
        epoch_checks.check_first(self._in_epochs)
        self._in_epochs = True
        if self.directory.checkpoint_file.exists():
            saved = load_checkpoint(self.directory.checkpoint_file, self.prepared.device)
            restore(self.method, saved["method"])
            self.record = Record.from_document(saved["record"])
            self._measurements.restore(saved.get("samples"))
            self._note_changes(saved["environment"])
        spec = self.prepared.spec
        title = f"{spec.method} · {spec.track} · seed {spec.seed}"
        self.display.started(title, spec.protocol.epochs, self.record.epochs)
        facts = {"spec": spec.document(), "epoch": self.record.epochs}
        self._began += self.observers.tell("run_started", directory=self.directory.path, **facts)
        self._epoch_began = self._shown = time.monotonic()
        return self.record.epochs

    def _note_changes(self, before: dict[str, Any]) -> None:
        changed = changes(before, self.environment)
        if changed:
            event = Event(self.record.epochs, "resumed elsewhere", "; ".join(changed))
            self.record.events.append(event)

    def save(
        self, name: str, kind: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
    ) -> None:
        """Write tensors that other runs may load, with everything that decided their values."""
        spec, split = self.prepared.spec, self.prepared.split
        about = {
            "kind": kind,
            **facts,
            "spec": spec.document(),
            "fingerprint": spec.fingerprint,
            "labels_sha256": self.prepared.noisy.sha256,
            "noise_rate": split.noise_rate,
            "num_train": len(split.clean_labels),
            "environment": self.environment,
        }
        write_artifact(self.directory.path / f"{name}.safetensors", tensors, about)

    def step_finished(self) -> None:
        """Stop here if a signal asked the run to stop, and show the step."""
        epoch_checks.check_inside(self._in_epochs)
        self._stop.check()
        self._shown = time.monotonic()
        self.display.step(self._run, self._shown - self._epoch_began)

    def working(self, what: str, done: int, total: int) -> None:
        """Stop here if a signal asked the run to stop, and show the work now and then."""
        self._stop.check()
        if time.monotonic() - self._shown >= SHOW_SECONDS:
            self._shown = time.monotonic()
            self.display.working(f"{what}: {done:,} of {total:,}")

    def epoch_finished(self, epoch: int) -> None:
        """Check, evaluate, record, save, show."""
        if not self._run.logged.losses_were_finite():
            raise Diverged(
                f"A loss was infinite or NaN in epoch {epoch + 1}. "
                "A lower learning rate may help: --lr."
            )
        self._check_given()
        scalars = self._run.logged.means()  # waits for the device, so the epoch's time is complete
        seconds = time.monotonic() - self._epoch_began
        passes = self.prepared.passes.take()  # before evaluation adds its own
        scores = self._measurements.look(self.method, epoch, self.record)
        epoch_checks.check_names(scalars, scores, self.method)
        self._began += self._measurements.unpaid_seconds
        self._note(scores, scalars, seconds, passes)
        self.prepared.passes.take()
        self._save_checkpoint()
        max_epochs = self.prepared.spec.protocol.epochs
        now = time.monotonic()
        self.display.epoch(
            EpochReport(
                epoch=epoch,
                max_epochs=max_epochs,
                seconds=seconds,
                images_per_second=self._run.samples / max(seconds, 1e-9),
                eta_seconds=(now - self._epoch_began) * (max_epochs - epoch - 1),
                scalars=scalars,
                scores=scores,
            )
        )
        values = {**scalars, **scores}
        observed = self.observers.tell(
            "epoch_finished", directory=self.directory.path, epoch=epoch, values=values
        )
        self._began += observed
        self._stop.check()
        self._epoch_began = now + observed

    def _check_given(self) -> None:
        labels = self.prepared.split.training.labels
        check_unchanged(self._given_labels, labels, "labels", self.method.name)
        epoch_checks.check_params(self.method, self.prepared.spec)

    def _save_checkpoint(self) -> None:
        state = {
            "method": capture(self.method),
            "record": self.record.document(),
            "samples": self._measurements.document(),
            "environment": self.environment,
        }
        save_checkpoint(self.directory.checkpoint_file, state)

    def _note(
        self,
        scores: dict[str, float | None],
        scalars: dict[str, float],
        seconds: float,
        passes: Passes,
    ) -> None:
        self.record.add({**scalars, **scores})
        self.record.events.extend(self._run.events)
        self._run.events.clear()
        self.record.add_costs(seconds, self._run.samples, self._run.steps, passes)
        now, computed = time.monotonic(), time.process_time()
        self.record.wall_seconds += now - self._began
        self.record.processor_seconds += computed - self._computed
        self._began, self._computed = now, computed
