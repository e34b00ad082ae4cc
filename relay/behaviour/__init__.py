"""Windows to minutes: what a collar sent, on the UTC grid, in order."""
