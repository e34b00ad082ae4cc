"""The host simulator: a herd, its chips, its boards, its radio and a cloud."""
