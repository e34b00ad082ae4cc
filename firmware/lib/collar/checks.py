"""Whether an identity can be stored: asked by whoever makes one. A board only raises its boot counter."""

from collar.settings import Identity, SettingsError

_KEY_BYTES = 32
# name, low, high: of the number, or of the length in bytes
_NUMBERS = (
    ("device", 0, 0xFFFFFFFF),
    ("epoch", 0, 127),
    ("boot", 0, 0xFFFF),
    ("port", 1, 0xFFFF),
    ("upload_s", 60, 86400),
)
_TEXTS = (
    ("ssid", 1, 32),
    ("password", 0, 64),
    ("host", 1, 253),
    ("board", 1, 24),
    ("tls_pin", 0, 2048),
    ("settings", 0, 400),
)


def check_identity(identity: Identity) -> None:
    """Raise SettingsError naming the field, its value and its bounds if one is outside of them."""
    if len(identity.key) != _KEY_BYTES:
        raise SettingsError("key of %d bytes, want %d" % (len(identity.key), _KEY_BYTES))
    for name, low, high in _NUMBERS:
        value = getattr(identity, name)
        if not low <= value <= high:
            raise SettingsError("%s=%d outside %d..%d" % (name, value, low, high))
    for name, low, high in _TEXTS:
        value = getattr(identity, name)
        size = len(value if isinstance(value, bytes) else value.encode())
        if not low <= size <= high:
            raise SettingsError("%s of %d bytes outside %d..%d" % (name, size, low, high))
