"""network, as on MicroPython 1.29 for ESP32: the station interface. Sockets are the interpreter's own."""

import _bridge

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010


def _text(value):
    return value.encode() if isinstance(value, str) else bytes(value or b"")


class WLAN:
    IF_STA = 0

    def __init__(self, interface_id=0):
        if interface_id != WLAN.IF_STA:
            raise ValueError("invalid WLAN interface identifier")
        self._active = False

    def active(self, is_active=None):
        if is_active is not None:
            _bridge.wlan_active(1 if is_active else 0)
            self._active = bool(is_active)
        return self._active

    def connect(self, ssid=None, key=None):
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
