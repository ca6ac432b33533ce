"""Processor time of a method's steps in two checkouts of lnlbench, whose epochs take turns.

python docs/notebook/time_steps.py BEFORE AFTER --method dividemix --samples 3200

BEFORE and AFTER are folders of checkouts. Each has a process on one thread. The data are random;
DivideMix labels a share of 0.6, and its epochs include its divisions.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time


def serve(method_name: str, track: str, samples: int, rounds: int) -> None:
    """Train; before each epoch wait for a line, and after it print the milliseconds of a step."""
    import torch

    from lnlbench.bench.data import NUM_CLASSES, random_samples, views_of
    from lnlbench.bench.division import with_labeled_share
    from lnlbench.bench.floor import NetworkKind
    from lnlbench.interface.host import RunControl, RunHost
    from lnlbench.interface.run import Run
    from lnlbench.networks.precision import resolve_precision
    from lnlbench.plugins import load_plugins
    from lnlbench.plugins.tracks import find_track
    from lnlbench.runner.devices import resolve_device
    from lnlbench.runner.evaluation import eval_batch_size
    from lnlbench.runner.optimizers import build_optimizer
    from lnlbench.seeds import generator_for
    from lnlbench.spec.run_spec import build_spec, make_method

    class Turns(RunControl):
        steps = 0

        def step_finished(self) -> None:
            self.steps += 1

        def epoch_finished(self, epoch: int) -> None:
            if epoch:
                say(1e3 * (time.process_time() - self.began) / self.steps)
            sys.stdin.readline()
            self.began, self.steps = time.process_time(), 0

    torch.set_num_threads(1)
    device = resolve_device("cpu")
    kind = load_plugins().method(method_name)
    spec = build_spec(kind, find_track(track), overrides={}, params=dict(kind.quick_params))
    protocol = spec.protocol
    networks = NetworkKind(protocol, resolve_precision(protocol.precision, device), device)
    generator = generator_for(0, "bench")
    views = views_of(
        protocol, random_samples(protocol, samples, generator), protocol.augment, device
    )
    host = RunHost(
        views=views,
        labels=torch.randint(NUM_CLASSES, (samples,), generator=generator),
        num_classes=NUM_CLASSES,
        max_epochs=rounds + 1,
        batch_size=protocol.batch_size,
        eval_batch_size=eval_batch_size(protocol, device),
        seed=0,
        device=device,
        build_network=networks.build,
        build_optimizer=lambda network: build_optimizer(network, protocol),
        learning_rate_factor=lambda epoch: 1.0,
        control=Turns(),
    )
    make_method(spec, with_labeled_share(kind, 0.6)).fit(Run(host))


def main() -> None:
    """Let two processes take turns, and print each pair and the median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", nargs=2)
    parser.add_argument("--method", default="dividemix")
    parser.add_argument("--track", default="cifar100n-embedding")
    parser.add_argument("--samples", type=int, default=6400)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.method, given.track, given.samples, given.rounds)
        return
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "--serve", *sys.argv[1:]],
            env={**os.environ, "PYTHONPATH": folder, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for folder in given.checkouts
    ]
    ratios = []
    for _ in range(given.rounds):
        before, after = (turn(process) for process in processes)
        ratios.append(after / before)
        say(f"{before:.2f} ms, {after:.2f} ms: {ratios[-1]:.3f}")
    for process in processes:
        process.communicate("\n")
    say(f"median ratio {statistics.median(ratios):.3f}")


def say(text: object) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def turn(process: subprocess.Popen[str]) -> float:
    """Let a process train one epoch; returns the milliseconds of a step."""
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


if __name__ == "__main__":
    main()
