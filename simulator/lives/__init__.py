"""What happens to cows and farms: lives, illness, mishaps, weather, and how all that bends a day."""
