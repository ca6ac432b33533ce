"""Audits: find the wrong labels of one's own data, each judged by a model that has not seen it.

`lnlbench.audit(...)` is `lnlbench.audit.conduct.audit`.
"""

from lnlbench.system.callable_package import make_callable

make_callable(__name__, "lnlbench.audit.conduct", "audit")
