"""What every cow of a herd does when: routine, pulls, clocks, bouts."""
