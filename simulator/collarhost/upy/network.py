"""network, as on MicroPython 1.29 for ESP32: the station interface. Sockets are the interpreter's own."""

import _bridge

STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010


def _text(value):
    return value.encode() if isinstance(value, str) else bytes(value or b"")


def _packed(dotted):
    parts = [int(part) for part in dotted.split(".")]
    if len(parts) != 4:
        raise ValueError("invalid IP address")
    return bytes(parts)


class WLAN:
    IF_STA = 0

    def __init__(self, interface_id=0):
        if interface_id != WLAN.IF_STA:
            raise ValueError("invalid WLAN interface identifier")
        self._active = False
        self._reconnects = -1

    def active(self, is_active=None):
        if is_active is not None:
            _bridge.wlan_active(1 if is_active else 0)
            self._active = bool(is_active)
        return self._active

    def connect(self, ssid=None, key=None):
        _bridge.wlan_connect(_text(ssid), _text(key))

    def disconnect(self):
        _bridge.wlan_disconnect()

    def config(self, param=None, **settings):
        """Of all its parameters the one that collars use."""
        if param is not None and settings:
            raise TypeError("either pos or kw args are allowed")
        if param == "reconnects":
            return self._reconnects
        if param is not None or list(settings) != ["reconnects"]:
            raise ValueError("unknown config param")
        self._reconnects = settings["reconnects"]
        _bridge.wlan_config(self._reconnects)

    def ifconfig(self, address=None):
        if address is None:
            raw = _bridge.wlan_address()
            return tuple(["%d.%d.%d.%d" % tuple(raw[at : at + 4]) for at in range(0, 16, 4)])
        if isinstance(address, (tuple, list)):
            if len(address) != 4:
                raise ValueError("requested length 4 but object has length %d" % len(address))
            _bridge.wlan_set_address(b"".join([_packed(dotted) for dotted in address]))
        elif address == "dhcp":
            _bridge.wlan_set_address(b"")
        else:
            raise ValueError("invalid arguments")

    def isconnected(self):
        return _bridge.wlan_status() == STAT_GOT_IP

    def status(self, param=None):
        if param is None:
            return _bridge.wlan_status()
        if param == "rssi":
            return _bridge.wlan_rssi_dbm()
        raise ValueError("unknown status param")
