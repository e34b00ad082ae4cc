"""When to look for the network again, and which one, and which relay.

A radio that is seldom near is the normal case: a cow is at the parlour for twelve minutes twice a day. A try
that finds nobody costs a quarter of a coulomb, so tries are paid from a bucket that a day fills with 8 C; in
the first days with more, for a new collar has everything to learn, and with less where there was contact
within 18 hours. What makes the visits count is habit:
half-hours of the day in which there was contact are remembered, and in those the collar tries every ten
minutes, whatever is in the bucket. Days are counted in UTC as acks have told it: uptime
would do for a clock that is right, but one that is 5 % wrong shifts the habit by 72 minutes a day.
"""

from collar.schedule import backoff_s, bounded_wait_s, jittered_s, next_upload_s, spread_s
from collar.timebase import DAY_S, day_s
from herdcore.compat import const

BUCKET_MC = 3_000
REFILL_MC_PER_DAY = 8_000
HEARD_REFILL_MC_PER_DAY = 4_000  # after contact within _HEARD_S
_HEARD_S = const(64_800)
_SATED_S = const(7_200)  # after contact habit does not ask for more in the same visit
NEW_S = 345_600  # a new collar's first four days, in which it may look every twelve minutes
NEW_REFILL_MC_PER_DAY = 32_000
RADIO_MA = 100  # receiving (glenn20, ESP32); a scan is nothing else

SLOT_S = 1_800
SLOTS = 48  # two bits each
_TRUST = const(3)  # of a slot with contact; each day without takes one, at none the slot is forgotten
_SLOT_TRY_S = const(600)  # no visit of twelve minutes without a try
_SLOTS_DENSE = const(8)  # with more slots than this they are tried less often: 24 tries a day in all
_AWAY = const(4)  # a network that is not there is not back in five seconds: its back-off begins later
_AWAY_MAX_S = const(600)  # and ends sooner, for the charge decides
_SPREAD_S = const(60)  # a herd enters a parlour in a line

# kept["network"], kept["relay"]: the place that worked last, and how often in a row it, or another, did not
_PLACE = const(7)
_TRY = const(8)
_TRIES = const(32)

LEASE_S = 21_600  # half of what common routers give (OpenWrt: 12 h), as a DHCP client renews


def places(identity, settings):
    """Return (networks, relays) to choose from, without repetition: pairs of an Identity and of Settings.

    Networks are (ssid, password), relays (host, port). The identity's is the first, the pre-announced last.
    """
    networks = _distinct((identity.ssid, identity.password), settings.networks, settings.next_network)
    relays = _distinct((identity.host, identity.port), settings.relays, settings.next_relay)
    return networks, relays


def _distinct(first, more, last):
    found = [first]
    for place in more + (last,):  # noqa: RUF005 - MicroPython knows no star in a tuple
        if place and place not in found:
            found.append(place)
    return found


def _chosen(state: int, count: int) -> int:
    """Return which of `count` places is next: the one that worked, at every second try one of the others."""
    home, tries = (state & _PLACE) % count, state // _TRY
    if count == 1 or not tries & 1:
        return home
    return (home + 1 + tries // 2 % (count - 1)) % count


class Contact:
    """`kept`: a Retained. Times are uptime seconds; `on_ms` is how long the radio was on.

    In a session: place(), lease(), then joined() if the network was joined, then failed() or succeeded().
    """

    def __init__(self, kept, device: int) -> None:
        self._kept = kept
        self._device = device
        self._counts = (1, 1)
        self._has_tried = self._has_joined = self._has_leased = False

    # which network, which relay

    def place(self, identity, settings):
        """Return (ssid, password, host, port) to try now."""
        networks, relays = places(identity, settings)
        self._counts = (len(networks), len(relays))
        self._has_tried, self._has_joined, self._has_leased = True, False, False
        ssid, password = networks[_chosen(self._kept["network"], len(networks))]
        host, port = relays[_chosen(self._kept["relay"], len(relays))]
        return ssid, password, host, port

    def lease(self, now_s: int) -> bytes:
        """Return the lease to join with, b"" for none: it is another network's, too old, or did not work."""
        kept = self._kept
        is_home = _chosen(kept["network"], self._counts[0]) == kept["network"] & _PLACE
        if not is_home or not kept["lease"][0] or not 0 <= now_s - kept["lease_s"] < LEASE_S:
            return b""
        self._has_leased = True
        return kept["lease"]

    def joined(self, lease, now_s: int) -> None:
        """Note that the network is joined; `lease`: what Wifi.lease is now."""
        self._has_joined = True
        if not self._has_leased:
            self._kept["lease"], self._kept["lease_s"] = bytes(lease or bytes(16)), now_s

    def _settle(self) -> None:
        """Keep the place that worked."""
        for name, count in zip(("network", "relay"), self._counts):
            self._kept[name] = _chosen(self._kept[name], count)

    def _move_on(self) -> None:
        """Next time another network if this one was not joined, another relay if it was."""
        kept = self._kept
        if not self._has_joined:
            self._tried("network")
            return
        kept["lease"] = bytes(16)
        if self._has_leased:
            return  # perhaps the address is another's by now: the same place again, with DHCP
        self._tried("relay")
        if kept["relay"] // _TRY % (2 * self._counts[1]) == 0:
            self._tried("network")  # no relay behind it answers: perhaps a network of the same name elsewhere

    def _tried(self, name: str) -> None:
        state = self._kept[name]
        self._kept[name] = state & _PLACE | (state // _TRY + 1) % _TRIES * _TRY

    # when

    def succeeded(self, now_s: int, period_s: int) -> int:
        """Note contact, which costs nothing here; return when the next upload is due."""
        self._refill(now_s)
        self._settle()
        self._learn(now_s)
        return next_upload_s(now_s, period_s, self._device)

    def failed(self, now_s: int, on_ms: int, asked_s: int) -> int:
        """Note a failure; return when to try again. `asked_s`: a busy relay's Retry-After, 0 if it gave none.

        Without a place() before it the radio was not used, and nothing is learnt or paid.
        """
        kept, cost_mc = self._kept, 0
        if self._has_tried:
            self._move_on()
            self._doubt(now_s)
            cost_mc = on_ms * RADIO_MA // 1000
        self._has_tried = False
        left_mc = self._refill(now_s) - cost_mc
        kept["energy_mc"] = max(0, left_mc)
        wait_s = max(self._backoff_s(), bounded_wait_s(asked_s))
        habit_s = self._next_habit_s(now_s, bounded_wait_s(asked_s) if asked_s else 0)
        if left_mc < cost_mc:  # the next one has to be saved for
            saved_s = (cost_mc - left_mc) * DAY_S // self._refill_mc_per_day(now_s)
            wait_s = max(wait_s, jittered_s(self._device, now_s, saved_s))
        return now_s + (min(wait_s, habit_s) if habit_s else wait_s)

    def _backoff_s(self) -> int:
        attempt = max(1, self._kept["attempt"])
        if self._has_joined:
            return backoff_s(self._device, attempt)
        return min(_AWAY_MAX_S, backoff_s(self._device, attempt + _AWAY))

    def _heard_s(self, now_s: int) -> int:
        """Return how long ago the last ack was; long, if not in this uptime."""
        up_ms = self._kept["last_ack_up_ms"]
        return now_s - up_ms // 1000 if 0 < up_ms <= 1000 * now_s else DAY_S

    def _refill_mc_per_day(self, now_s: int) -> int:
        # Each boot counts as a day: a collar out of reach begins anew every day and is not new again.
        if now_s + DAY_S * max(0, self._kept["boot"] - 1) < NEW_S:
            return NEW_REFILL_MC_PER_DAY
        return HEARD_REFILL_MC_PER_DAY if self._heard_s(now_s) < _HEARD_S else REFILL_MC_PER_DAY

    def _refill(self, now_s: int) -> int:
        """Let the bucket fill until now; return what is in it, mC."""
        kept = self._kept
        passed_s = min(max(0, now_s - kept["energy_s"]), DAY_S) if kept["energy_s"] else DAY_S
        kept["energy_mc"] = min(
            BUCKET_MC, kept["energy_mc"] + passed_s * self._refill_mc_per_day(now_s) // DAY_S
        )
        kept["energy_s"] = max(now_s, 1)  # 0: not filled yet
        return kept["energy_mc"]

    # habits

    def _learn(self, now_s: int) -> None:
        """Trust the slot of this contact and its nearer neighbour: tomorrow the cow may be early or late."""
        at_s = day_s(self._kept, now_s)
        if at_s < 0:
            return
        slot = at_s // SLOT_S
        beside = (slot + (1 if 2 * (at_s % SLOT_S) >= SLOT_S else -1)) % SLOTS
        self._trust(slot, _TRUST)
        self._trust(beside, _TRUST)

    def _trusted(self, slot: int) -> int:
        return self._kept["slots"][slot >> 2] >> 2 * (slot & 3) & 3

    def _trust(self, slot: int, trust: int) -> None:
        slots = bytearray(self._kept["slots"])
        shift = 2 * (slot & 3)
        slots[slot >> 2] = slots[slot >> 2] & ~(3 << shift) | trust << shift
        self._kept["slots"] = bytes(slots)

    def _doubt(self, now_s: int) -> None:
        """Take trust from the slot of the failure before this one if that is over; contact gives it back."""
        before_s, at_s = self._kept["energy_s"], day_s(self._kept, now_s)
        if at_s < 0 or self._kept["attempt"] < 2 or now_s - before_s <= at_s % SLOT_S:
            return
        slot = (at_s - (now_s - before_s)) % DAY_S // SLOT_S
        self._trust(slot, max(0, self._trusted(slot) - 1))

    def _next_habit_s(self, now_s: int, least_s: int) -> int:
        """Return how long until the next try by habit, at least `least_s`; 0 if there is no habit."""
        slots = [slot for slot in range(SLOTS) if self._trusted(slot)]
        at_s = day_s(self._kept, now_s)
        if not slots or at_s < 0:
            return 0
        wait_s = max(least_s, _SLOT_TRY_S * -(-len(slots) // _SLOTS_DENSE), _SATED_S - self._heard_s(now_s))
        at_s = (at_s + wait_s) % DAY_S
        if at_s // SLOT_S in slots:
            return wait_s
        begins_s = min([(slot * SLOT_S - at_s) % DAY_S for slot in slots])
        return wait_s + begins_s + spread_s(self._device, _SPREAD_S)
