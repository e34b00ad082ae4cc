"""Runs the cases of the modules that are named; the same file on CPython and on MicroPython.

On MicroPython: `run_cases.py cases_core cases_outbox`, with their folders on the path.
"""

import sys


def run(names):
    """Return how many cases the modules' case_* functions went through; the first failure is raised."""
    total = 0
    for name in names:
        module = __import__(name)
        for function in sorted(dir(module)):
            if function.startswith("case_"):
                count = getattr(module, function)()
                total += 1 if count is None else count
    return total


def main(names):
    """Run the cases and print how many there were."""
    print(f"{sys.implementation.name}: {run(names)} cases")  # noqa: T201 - what the host waits for


if __name__ == "__main__":
    main(sys.argv[1:])
