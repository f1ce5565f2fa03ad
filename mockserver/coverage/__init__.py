"""Response coverage: of all documented outcomes and task states, which were met.

It is counted here; `table` shows it in a terminal, `page` in a browser.
"""

from __future__ import annotations

from mockserver.coverage.counting import Counts, Documented, as_json, in_order, merged, percent, report

__all__ = ["Counts", "Documented", "as_json", "in_order", "merged", "percent", "report"]
