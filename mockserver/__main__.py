"""`python -m mockserver` is `persona-mock`."""

from __future__ import annotations

import sys

from mockserver.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
