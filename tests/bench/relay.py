"""bench-relay: `python tests/bench/relay.py [--seconds 30] [--seed 1]`. What it measures: relay_ladder.py."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # This file is called like the package it measures, and a script's own folder comes first on the path.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from tests.bench.relay_ladder import main

    main()
