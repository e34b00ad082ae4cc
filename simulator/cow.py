"""A cow as the box under her neck feels her: behaviour in bouts, a waveform each, a function of time."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.cow_model import BEHAVIOURS, Bouts, CowModel, Waveform, load_model
from simulator.texture import POINTS, STEP_S, texture
from simulator.waveform import Bout, rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

STILL = "still"  # what behaviour_at says of a cow that is down

_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000
_LINES = {"ruminate": "chew", "graze": "bite", "walk": "stride"}
_SD_PER_MAD = 1.2533  # of a normal variable: sqrt(pi / 2)
_FIRST_DAY = 1 << 20  # keeps the seed of a day before the start of the simulation positive


class Cow:
    """Cow number `index` of the herd that `seed` makes; implements Motion.

    The simulation starts at midnight. `sick_from_us`: from then on she lies still: gravity and a breath below
    3 mg. Every day is drawn by itself from (seed, index, day), so any time can be asked for first.
    """

    def __init__(
        self,
        seed: int,
        index: int,
        *,
        model: CowModel | None = None,
        sick_from_us: int | None = None,
    ) -> None:
        self.sick_from_us = sick_from_us
        self._seed, self._index = seed, index
        self._model = model or load_model()
        self._bouts_of = lru_cache(maxsize=3)(self._draw_day)
        self._draw_cow(np.random.default_rng((seed, index)))

    def _draw_cow(self, rng: np.random.Generator) -> None:
        cow, day = self._model.cow, self._model.day
        angles = [cow[f"collar_{axis}_sd_deg"] * _bounded(rng) for axis in ("roll", "pitch", "yaw")]
        self._mount = rotation(*angles)
        self._strength = float(np.exp(cow["strength_log_sd"] * _bounded(rng)))
        self._line_hz = {
            name: _within(rng.normal(line.rate_hz[0], line.rate_hz[1]), line.range_hz)
            for name, line in self._model.lines.items()
        }
        self._length = {
            "ruminate": float(np.exp(day["rumination_sd"] * _bounded(rng))),
            "graze": float(np.exp(day["grazing_sd"] * _bounded(rng))),
        }

    # what others ask

    def at(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n, 3) mg at the (n,) times, which do not decrease."""
        out = np.empty((len(times_us), 3))
        done = 0
        while done < len(times_us):
            end_us, piece = self._piece(int(times_us[done]))
            upto = len(times_us) if times_us[-1] < end_us else int(np.searchsorted(times_us, end_us))
            out[done:upto] = piece(times_us[done:upto])
            done = upto
        return out

    def behaviour_at(self, t_us: int) -> str:
        """Return rest, ruminate, graze or walk, or still once she is sick."""
        return STILL if self._sick(t_us) else self.bout_at(t_us).behaviour

    def bout_at(self, t_us: int) -> Bout:
        """Return the bout she would be in if she were healthy."""
        bouts, starts_us = self._bouts_of(t_us // _DAY_US)
        return bouts[int(np.searchsorted(starts_us, t_us, side="right")) - 1]

    # pieces

    def _sick(self, t_us: int) -> bool:
        return self.sick_from_us is not None and t_us >= self.sick_from_us

    def _piece(self, t_us: int) -> tuple[int, Any]:
        """Return the waveform she has at `t_us` and when it ends."""
        if self._sick(t_us):
            return 1 << 62, self._lying
        bout = self.bout_at(t_us)
        return bout.end_us if self.sick_from_us is None else min(bout.end_us, self.sick_from_us), bout.at

    def _lying(self, times_us: NDArray[np.int64]) -> NDArray[np.float64]:
        sick = self._model.sick
        posture = self._mount @ np.array(sick["posture_mg"])
        breath = sick["breath_mg"] * np.sin(times_us * (2e-6 * np.pi * sick["breath_hz"]))
        out: NDArray[np.float64] = posture + breath[:, None] * self._mount[:, 2]
        return out

    # a day

    def _draw_day(self, day: int) -> tuple[list[Bout], NDArray[np.int64]]:
        rng = np.random.default_rng((self._seed, self._index, _FIRST_DAY + day))
        start_us = day * _DAY_US
        end_us = start_us + _DAY_US
        behaviour, at_us, bouts = BEHAVIOURS[int(rng.integers(2))], start_us, []
        while at_us < end_us:
            until_us = min(end_us, at_us + self._length_us(rng, behaviour))
            bouts.append(self._draw_bout(rng, behaviour, at_us, until_us))
            behaviour = self._next(rng, behaviour, (until_us - start_us) * 24 // _DAY_US)
            at_us = until_us
        return bouts, np.array([bout.start_us for bout in bouts], dtype=np.int64)

    def _length_us(self, rng: np.random.Generator, behaviour: str) -> int:
        bouts: Bouts = self._model.bouts[behaviour]
        median_min = bouts.median_min * self._length.get(behaviour, 1.0)
        length_min = _within(median_min * np.exp(bouts.log_sd * rng.normal()), bouts.range_min)
        return int(length_min * _MINUTE_US)

    def _next(self, rng: np.random.Generator, behaviour: str, hour: int) -> str:
        graze = self._model.day["graze_by_hour"][hour % 24]
        names, weights = zip(*self._model.bouts[behaviour].next, strict=True)
        scaled = [
            weight * (graze if name == "graze" else 1.0) for name, weight in zip(names, weights, strict=True)
        ]
        pick = rng.uniform(0, sum(scaled))
        return str(names[int(np.searchsorted(np.cumsum(scaled)[:-1], pick, side="right"))])

    def _draw_bout(self, rng: np.random.Generator, behaviour: str, start_us: int, end_us: int) -> Bout:
        wave, cow, rhythm = self._model.waveforms[behaviour], self._model.cow, self._model.rhythm
        strength = self._strength * float(np.exp(cow["bout_strength_log_sd"] * _bounded(rng)))
        sd_mg = strength * _SD_PER_MAD * np.array(wave.mad_mg)
        head = rotation(cow["head_sd_deg"] * _bounded(rng), cow["head_sd_deg"] * _bounded(rng), 0.0)
        hz = self._hz(behaviour) + (rhythm["bout_sd_hz"] * _bounded(rng) if behaviour in _LINES else 0.0)
        bolus_s, pause_s = rng.uniform(*rhythm["bolus_s"]), rng.uniform(*rhythm["pause_s"])
        return Bout(
            behaviour=behaviour,
            start_us=start_us,
            end_us=end_us,
            posture_mg=self._mount @ head @ np.array(wave.posture_mg),
            noise=texture(self._seed, wave.spectrum, self._correlation(behaviour), wave.restlessness),
            noise_at=float(rng.uniform(0, POINTS)),
            noise_mg=np.diag(sd_mg * (1 - wave.line_share) ** 0.5) @ self._mount.T,
            line_hz=hz,
            line_mg=self._line_mg(rng, behaviour, sd_mg),
            bolus_s=float(bolus_s) if behaviour == "ruminate" else 0.0,
            period_s=float(bolus_s + pause_s),
        )

    def _hz(self, behaviour: str) -> float:
        return self._line_hz[_LINES[behaviour]] if behaviour in _LINES else 0.0

    def _line_mg(
        self, rng: np.random.Generator, behaviour: str, sd_mg: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        phase = rng.uniform(0, 2 * np.pi, (2, 3))
        if behaviour not in _LINES:
            return np.zeros((4, 3))
        second = self._model.lines[_LINES[behaviour]].second_harmonic
        peak_mg = sd_mg * (2 * self._model.waveforms[behaviour].line_share) ** 0.5
        one, two = peak_mg * (1 - second) ** 0.5, peak_mg * second**0.5
        rows = (
            one * np.cos(phase[0]),
            one * np.sin(phase[0]),
            two * np.cos(phase[1]),
            two * np.sin(phase[1]),
        )
        out: NDArray[np.float64] = np.stack(rows) @ self._mount.T
        return out

    def _correlation(self, behaviour: str) -> tuple[float, ...]:
        """Return what the noise must have over 0.1 s so that noise and line together give jerk_mg / mad_mg.

        For a normal signal mean |difference| / mean |deviation| = sqrt(2 (1 - correlation)).
        """
        wave: Waveform = self._model.waveforms[behaviour]
        total = [1 - (jerk / mad) ** 2 / 2 for jerk, mad in zip(wave.jerk_mg, wave.mad_mg, strict=True)]
        if behaviour not in _LINES:
            return tuple(total)
        line = self._model.lines[_LINES[behaviour]]
        angle = 2 * np.pi * line.rate_hz[0] * STEP_S
        share = wave.line_share
        of_line = share * (
            (1 - line.second_harmonic) * np.cos(angle) + line.second_harmonic * np.cos(2 * angle)
        )
        return tuple(float((value - of_line) / (1 - share)) for value in total)


def _bounded(rng: np.random.Generator) -> float:
    """Return a standard normal number, never beyond 2."""
    return _within(rng.normal(), (-2.0, 2.0))


def _within(value: float, bounds: tuple[float, ...]) -> float:
    return float(min(max(value, bounds[0]), bounds[1]))
