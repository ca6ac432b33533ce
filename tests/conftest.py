"""Tests in several processes at once (`pytest -n auto`) share the cores instead of fighting."""

import os

from hypothesis import settings

workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if workers > 1:
    # Before torch is imported; the processes that tests start inherit it.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (cores or 1) // workers)))

# An example may take long on a busy machine; what a test checks does not depend on time.
settings.register_profile("without time limits", deadline=None)
settings.load_profile("without time limits")
