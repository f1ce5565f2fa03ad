"""Runs a module as `python -m` does, and notes where its time goes from SIGUSR1 on, for a file at the end."""

from __future__ import annotations

import cProfile
import runpy
import signal
import sys


def main() -> None:
    """The command line: the file, `-m`, the module and its own arguments."""
    file, _, module, *arguments = sys.argv[1:]
    profile = cProfile.Profile()
    # From there on and not from the start, so that what fills a store is not in the figures of what is asked.
    signal.signal(signal.SIGUSR1, lambda *_: profile.enable())
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        profile.disable()
        profile.dump_stats(file)


if __name__ == "__main__":
    main()
