"""Evidence pictures: what a cow did in the last three days, beside what is usual for her, on a phone."""
