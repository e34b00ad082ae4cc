"""Minutes to events: one pure fold per alert kind, and the fold of a partition around them."""
