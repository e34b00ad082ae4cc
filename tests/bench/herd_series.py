"""What a herd's activity in 2-hour blocks looks like, the same for real series and the virtual herd.

`series_statistics(raw)` takes (cows, days, 12) of counts or any unit proportional to movement, NaN where
nothing is known. Run as a program it prints those of a pack: python -m tests.bench.herd_series DIR.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np

from relay.evaluation import rules, series

BLOCKS = 12
MAD_TO_SD = 1.4826
LAGS_BLOCKS = {"2h": 1, "4h": 2, "6h": 3, "12h": 6, "24h": 12}
PERCENTILES = (10, 25, 50, 75, 90)
HEAT_MERGE_BLOCKS = 5  # 10 h: BovHEAT flags what is nearer as one
DAY_MIN_BLOCKS = 11
LASTING_RATIO = 1.25


def series_statistics(raw: np.ndarray) -> dict[str, object]:
    """Return spread between cows, the day's shape, noise and its memory, what cows share, tails, and heats.

    Residuals: log of a block less the median of the same cow and hour. Heats: `rules.activity_change` >= 35,
    against the cow's own median of the same hour on days away from them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are nothing
        return _statistics(np.asarray(raw, dtype=np.float64))


def quiet_days(raw: np.ndarray, index: np.ndarray, above: float = 20.0) -> np.ndarray:
    """Return `raw` without the days on which `index` (same shape) reaches `above`, and their neighbours."""
    hot = (np.nan_to_num(index, nan=-np.inf) >= above).any(2)
    near = hot.copy()
    near[:, 1:] |= hot[:, :-1]
    near[:, :-1] |= hot[:, 1:]
    return np.where(near[:, :, None], np.nan, raw)


def _statistics(raw: np.ndarray) -> dict[str, object]:
    cows = len(raw)
    whole_days = np.isfinite(raw).sum(2) >= DAY_MIN_BLOCKS
    daily = np.log(np.where(whole_days, np.nanmean(raw, axis=2), np.nan))
    daily -= np.nanmedian(daily, axis=1, keepdims=True)
    # Below half of the smallest step of an integer count a logarithm says nothing.
    logs = np.log(np.maximum(raw, 1e-3 * np.nanmean(raw)))
    by_hour = logs - np.nanmedian(logs, axis=1, keepdims=True)
    residuals = by_hour.reshape(cows, -1)
    robust = robust_sd(residuals)
    z = residuals[np.isfinite(residuals)] / robust
    mean = np.nanmean(raw, axis=(1, 2))
    shape = np.nanmean(raw, axis=1)
    shape = shape / shape.sum(1, keepdims=True)
    return {
        "cows": cows,
        "mean_per_block": float(np.nanmean(raw)),
        "between_cow_cv": float(np.nanstd(mean, ddof=1) / np.nanmean(mean)) if cows > 1 else None,
        "circadian_shares": [round(float(share), 4) for share in np.nanmean(shape, axis=0)],
        "daily_log_sd_robust": robust_sd(daily),
        "daily_log_sd": float(np.nanstd(daily)),
        "residual_sd_robust": robust,
        "residual_sd": float(np.nanstd(residuals)),
        "autocorrelation": {name: _correlation(residuals, lag) for name, lag in LAGS_BLOCKS.items()},
        "herd_day_sd": float(np.nanstd(np.nanmedian(daily, axis=0))),
        "herd_block_sd": float(np.nanstd(np.nanmedian(residuals, axis=0))),
        "between_cows_same_block": between_cows(residuals),
        "between_cows_same_day": between_cows(daily),
        "share_above": {str(limit): float((z > limit).mean()) for limit in (3, 4, 5)},
        "share_below": {str(limit): float((z < -limit).mean()) for limit in (3, 4, 5)},
        "missing": float(np.isnan(raw).mean()),
        "heats": _heats(raw),
    }


def robust_sd(values: np.ndarray) -> float:
    """Return the sd of a normal distribution with this median size."""
    return float(MAD_TO_SD * np.nanmedian(np.abs(values)))


def between_cows(values: np.ndarray) -> float | None:
    """Return the mean correlation of two cows at the same time; (cows, times)."""
    less = values - np.nanmean(values, axis=1, keepdims=True)
    count = np.isfinite(less).sum(0)
    pairs = (count * (count - 1)).sum()
    if not pairs:
        return None
    products = np.nansum(less, axis=0) ** 2 - np.nansum(less**2, axis=0)
    return float(products.sum() / pairs / np.nanmean(less**2))


def _correlation(values: np.ndarray, lag: int) -> float | None:
    now, then = values[:, lag:], values[:, :-lag]
    both = np.isfinite(now) & np.isfinite(then)
    return float(np.corrcoef(now[both], then[both])[0, 1]) if both.sum() > 2 else None


def _heats(raw: np.ndarray) -> dict[str, object]:
    index = rules.activity_change(raw.reshape(len(raw), -1)).reshape(raw.shape)
    usual = np.nanmedian(quiet_days(raw, index), axis=1)
    ratios = (raw / usual[:, None]).reshape(len(raw), -1)
    told = np.nan_to_num(index.reshape(len(raw), -1)) >= rules.VENDOR_THRESHOLD
    highest, six_hours, lasting = [], [], []
    for cow, row in enumerate(told):
        for first, last in _episodes(row):
            part = ratios[cow, max(0, first - 5) : last + 1]
            if np.isfinite(part).sum() < 3:
                continue
            highest.append(float(np.nanmax(part)))
            smooth = rules.trailing_mean(ratios[cow : cow + 1], 3)[0]
            six_hours.append(float(np.nanmax(smooth[max(0, first - 3) : last + 1])))
            lasting.append(2.0 * _run_above(smooth, max(0, first - 3), last))
    days = float(np.isfinite(index).sum()) / BLOCKS
    return {
        "count": len(highest),
        "per_cow_21d": 21.0 * len(highest) / days if days else None,
        "highest_block": _percentiles(highest),
        "highest_six_hours": _percentiles(six_hours),
        "hours_above_1.25_of_six_hours": _percentiles(lasting),
    }


def _episodes(row: np.ndarray) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for block in np.flatnonzero(row).tolist():
        if found and block - found[-1][1] <= HEAT_MERGE_BLOCKS:
            found[-1] = (found[-1][0], block)
        else:
            found.append((block, block))
    return found


def _run_above(smooth: np.ndarray, first: int, last: int) -> int:
    """Return how many blocks around the highest lie above the ratio."""
    peak = first + int(np.nanargmax(np.nan_to_num(smooth[first : last + 1], nan=-1.0)))
    above = np.nan_to_num(smooth) > LASTING_RATIO
    start = end = peak
    while start > 0 and above[start - 1]:
        start -= 1
    while end < len(above) - 1 and above[end + 1]:
        end += 1
    return end - start + 1


def _percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {str(share): round(float(np.nanpercentile(values, share)), 2) for share in PERCENTILES}


def real_statistics(folder: Path) -> dict[str, dict[str, object]]:
    """Return the statistics of each herd with raw activity: cows 20 days in milk, and their quiet days."""
    out: dict[str, dict[str, object]] = {}
    for herd in series.read(folder):
        if not herd.has_raw:
            continue
        milking = np.where(herd.dim >= 20, herd.raw, np.nan).reshape(len(herd.cows), -1, BLOCKS)
        mostly = milking[np.isfinite(milking).mean((1, 2)) >= 0.6]
        index = herd.chg.reshape(milking.shape)
        quiet = quiet_days(milking, index)
        quiet = quiet[np.isfinite(quiet).mean((1, 2)) >= 0.5]
        for name, each in (("in milk", mostly), ("in milk, quiet days", quiet)):
            if len(each):
                out[f"herd {herd.herd}, {name}"] = series_statistics(each)
    return out


if __name__ == "__main__":
    sys.stdout.write(json.dumps(real_statistics(Path(sys.argv[1])), indent=1) + "\n")
