"""How the benchmarks here write their figures: as every benchmark of the project does."""

from simulator.bench.report import commit, machine, report

__all__ = ("commit", "machine", "report")
