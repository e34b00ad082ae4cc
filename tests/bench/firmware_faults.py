"""bench-firmware, the sensor: eight kinds of fault on three chips, and what the relay makes of them.

The scenes are those of tests/collar/test_sensor_faults.py. A kind is found if its health record reaches the
relay within ten minutes on all three chips. For false alarms the frames of each scene go through the relay's
own scorers, behind a week of the same cow with a sound chip, so that they know what is usual.
"""

from __future__ import annotations

from collar.app import Collar
from relay.model import LoggedFrame
from relay.scoring.findings import Found, Limits
from relay.scoring.partition import fold
from simulator.chips.faults import FaultKind
from simulator.chips.fitted import IMUS
from tests.collar.scene import DEVICE, TestBoard
from tests.collar.test_sensor_faults import BITS, FAULT_S, Grazing, broken, kinds_of, until

FOUND_S = 600
LIFE_S = FAULT_S + 3 * 3600  # the fault lasts for twice what no movement takes
DAYS = 7
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
START_MS = 1_772_409_600_000 + DAYS * DAY_MS  # a midnight


def logged(board, start_ms):
    """Return what the relay logs of a board that was powered at `start_ms`, in order of arrival."""
    return [
        LoggedFrame(
            cursor=n, device=DEVICE, farm_id=1, animal_id=1, kind=frame.kind, boot=frame.boot, seq=frame.seq,
            up_s=frame.up_s, first_ms=start_ms + 1000 * frame.up_s,
            received_ms=start_ms + 1000 * (frame.up_s + frame.age_s), records=bytes(frame.records),
        )
        for n, frame in enumerate(board.relay.frames)
    ]  # fmt: skip


def usual(imu):
    """Return the relay's state after a week of a sound chip: one life of three hours, again and again."""
    board = TestBoard(Grazing(), imu=imu)
    until(Collar(board), LIFE_S)
    states = {}
    for start_ms in range(START_MS - DAYS * DAY_MS, START_MS, 3 * HOUR_MS):
        folded = fold(logged(board, start_ms), states, Limits())
        if folded.findings or folded.failures:
            raise RuntimeError(f"a sound {imu} raises {folded.findings} {folded.failures}")
        states.update(folded.states)
    return states


def alarms(board, states):
    """Return what the scorers of single minutes find in the frames of a life."""
    folded = fold(logged(board, START_MS), states, Limits())
    if folded.failures:
        raise RuntimeError(f"the fold failed: {folded.failures}")
    return [each for each in folded.findings.get(1, []) if isinstance(each, Found)]


def require_alarm(imu, states):
    """Raise RuntimeError unless a cow that does lie still is told: else no false alarm would be either."""
    board = TestBoard(Grazing(0.0), imu=imu)
    until(Collar(board), LIFE_S)
    if [each.kind for each in alarms(board, states)] != ["no_movement"]:
        raise RuntimeError(f"the relay does not tell a still cow with a sound {imu}")


def of_chip(imu):
    """Return (kinds found in time, false alarms) of one chip."""
    states, found, false_alarms = usual(imu), 0, 0
    require_alarm(imu, states)
    for kind in FaultKind:
        board, collar = broken(imu, kind)
        until(collar, (0 if kind is FaultKind.START_UP else FAULT_S) + FOUND_S)
        found += kinds_of(board) & BITS[kind] != 0
        until(collar, LIFE_S)
        false_alarms += len(alarms(board, states))
    return found, false_alarms


def figures():
    """Return the two figures: the least of the chips, and the sum over them."""
    rows = [of_chip(imu) for imu in IMUS]
    return {
        "sensor_faults_found": min(found for found, _ in rows),
        "sensor_fault_false_alarms": sum(false_alarms for _, false_alarms in rows),
    }


if __name__ == "__main__":
    print(figures())  # noqa: T201 - its output
