"""The columns of each table of rows, in order; a table leaves out optional ones without values."""

from dataclasses import replace

from lnlbench.leaderboard.columns.rows import (
    ACCURACY,
    AUROC,
    BEST,
    BEST_IN_GREY,
    BUDGET,
    DEVIATION,
    DISTRIBUTIONS,
    GAIN,
    HARDWARE,
    HIGH,
    INTERVAL,
    LAST,
    LOW,
    MEMORY,
    METHOD,
    METHOD_AND_RECIPE,
    NETWORK,
    NETWORKS,
    NOTE,
    NOTE_AND_RUNS,
    ORACLE,
    OVERRIDES,
    P_VALUE,
    PARAMS,
    PASSES_CE,
    PRECISION,
    RANK,
    RANKED,
    RECIPE,
    RUNS,
    SEARCH_SECONDS,
    SEED_COUNT,
    SEED_NUMBERS,
    SEEDS,
    SPREAD,
    STEPS_CE,
    TIME,
    TIMES_CE,
    TRACK,
    TRIALS,
    scores_of,
)
from lnlbench.results.scores import Section

_ACCURACIES = scores_of(Section.ACCURACY)
_INSIDE = scores_of(Section.SELECTION, Section.MEMORIZATION, Section.CALIBRATION)

TERMINAL = (
    *(RANK, METHOD_AND_RECIPE, SEED_COUNT, RANKED, LAST, BEST_IN_GREY),
    *(AUROC, TIME, NOTE_AND_RUNS),
)
TERMINAL_OFF_TRACK = (TRACK, OVERRIDES, METHOD, SEED_COUNT, ACCURACY, TIME)

MARKDOWN_RANKING = (
    *(RANK, METHOD, RECIPE, SEEDS, RANKED, INTERVAL, P_VALUE, NOTE),
    *(*_ACCURACIES, NETWORKS, ORACLE, RUNS),
)
MARKDOWN_MEASURES = (
    *(METHOD, RECIPE, *_INSIDE),
    *(TIME, TIMES_CE, STEPS_CE, PASSES_CE, MEMORY, HARDWARE, DISTRIBUTIONS),
)
MARKDOWN_OFF_TRACK = (
    *(TRACK, OVERRIDES, METHOD, RECIPE, SEEDS, ACCURACY, LAST),
    *(TIME, HARDWARE, NOTE, RUNS),
)

RECORD = (
    *(TRACK, OVERRIDES, RANK, METHOD, RECIPE, PARAMS, DISTRIBUTIONS, RUNS, SEED_NUMBERS, SEEDS),
    *(RANKED, DEVIATION, LOW, HIGH, GAIN, P_VALUE, NOTE),
    *(*_ACCURACIES, *_INSIDE),
    *(NETWORKS, ORACLE, TIME, TIMES_CE, *BUDGET, STEPS_CE, PASSES_CE),
    *(MEMORY, HARDWARE, PRECISION, TRIALS, SEARCH_SECONDS),
)

_REST = (
    *(RECIPE, NETWORK, NETWORKS, ORACLE, RUNS, *_INSIDE),
    *(TIMES_CE, STEPS_CE, PASSES_CE, MEMORY, HARDWARE, DISTRIBUTIONS),
)
PAGE = (
    *(RANK, METHOD, SEEDS, RANKED, GAIN, SPREAD, NOTE, LAST, BEST, TIME),
    *(INTERVAL, P_VALUE),
    *(column for column in _ACCURACIES if column not in (LAST, BEST)),
    *_REST,
)
PAGE_OFF_TRACK = (TRACK, METHOD, OVERRIDES, SEEDS, ACCURACY, NOTE, LAST, TIME, *_REST)
# A report leaves out these columns: they mean something only for several seeds or rows.
_SEVERAL = (RANK, SEEDS, GAIN, SPREAD, NOTE, INTERVAL, P_VALUE, RUNS, TIMES_CE, STEPS_CE, PASSES_CE)
PAGE_REPORT = tuple(
    replace(ACCURACY, shown="always") if column is RANKED else column
    for column in PAGE
    if column not in _SEVERAL
)
