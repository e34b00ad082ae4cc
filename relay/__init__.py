"""The Herdbell relay: frames in, scores, WhatsApp messages out."""

__version__ = "0.1.0"
