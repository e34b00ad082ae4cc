"""Pictures of a herd: a day of a cow, a month of all."""
