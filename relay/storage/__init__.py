"""Storage of the relay: ports.py says what it does, the other modules do it with SQLite."""
