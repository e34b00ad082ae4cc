"""Chips at register level: what a driver writes is what they do."""
