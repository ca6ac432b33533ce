#!/usr/bin/env bash
# From-scratch runs for one data-center GPU, the cheapest first, without anybody watching.
#   leaderboards/sweeps/gpu.sh                       from the root of the checkout; results go to leaderboards/
#   leaderboards/sweeps/gpu.sh --output DIR          every option of `lnlbench run` is passed to each run
#   leaderboards/sweeps/gpu.sh --limit-train 256 --epochs 1 --device cpu       a trial on a CPU
# Each result is written when its run ends, and a run that fails stops no other. After an interruption, give the
# same command again: it resumes the run that was stopped, and repeats none that is done.
set -uo pipefail
trap 'exit 130' INT TERM

options=(--seed 0 --compile)
case " $* " in
    *" --device cpu "* | *" --device=cpu "*) options=(--seed 0) ;;  # compiling for a CPU takes longer than a trial
esac

failed=()
run() {  # TRACK METHOD [option ...]
    printf '\n=== %s on %s\n' "$2" "$1"
    lnlbench run --track "$1" --method "$2" "${options[@]}" "${@:3}" || failed+=("$2 on $1")
}

for method in ce gce elr mentornet-pd co-teaching dividemix; do
    run cifar100n-resnet18-short "$method" "$@"
done
run cifar100n-resnet34 ce "$@"

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nThese runs failed; the messages above say why:\n'
    printf '  %s\n' "${failed[@]}"
    exit 1
fi
