"""network, as on MicroPython 1.29 for ESP32: the station interface. Sockets are the interpreter's own."""

import _bridge

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_CONNECT_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

_RECONNECTS, _STATIC = range(2)
_NO_ADDRESS = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
_LEASE = ("10.0.0.2", "255.255.255.0", "10.0.0.1", "10.0.0.1")

_name = "mpy-esp32"


def hostname(name=None):
    global _name
    if name is None:
        return _name
    _name = name


def _text(value):
    return value.encode() if isinstance(value, str) else bytes(value or b"")


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    SEC_OPEN = 0
    SEC_WPA2 = 3

    _one = None

    def __new__(cls, interface_id=0):
        if interface_id != STA_IF:
            raise ValueError("invalid WLAN interface identifier")
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one

    def __init__(self, interface_id=0):
        if not hasattr(self, "_settings"):
            self._active = False
            self._static = None
            self._settings = {
                "ssid": "",
                "channel": 6,
                "reconnects": -1,
                "txpower": 20,
                "pm": 1,
                "hidden": False,
            }

    def active(self, is_active=None):
        if is_active is not None:
            _bridge.wlan_active(1 if is_active else 0)
            self._active = bool(is_active)
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        self._settings["ssid"] = ssid or ""
        _bridge.wlan_connect(_text(ssid), _text(key))

    def disconnect(self):
        _bridge.wlan_disconnect()

    def isconnected(self):
        return _bridge.wlan_status() == STAT_GOT_IP

    def status(self, param=None):
        if param is None:
            return _bridge.wlan_status()
        if param == "rssi":
            return _bridge.wlan_rssi_dbm()
        raise ValueError("unknown status param")

    def config(self, *names, **values):
        if names and values:
            raise TypeError("either pos or kw args are allowed")
        for name, value in values.items():
            if name not in self._settings:
                raise ValueError("unknown config param")
            self._settings[name] = value
            if name == "reconnects":
                _bridge.wlan_config(_RECONNECTS, value)
        if names:
            return self._setting(names[0])

    def _setting(self, name):
        if name == "mac":
            return _bridge.unique_id
        if name == "hostname":
            return _name
        if name not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[name]

    def ifconfig(self, configuration=None):
        if configuration is None:
            return (self._static or _LEASE) if self.isconnected() else _NO_ADDRESS
        self._static = None if configuration == "dhcp" else tuple(configuration)
        _bridge.wlan_config(_STATIC, 0 if self._static is None else 1)
