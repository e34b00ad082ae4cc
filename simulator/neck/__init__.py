"""What is felt at a cow's neck: looks, cells of 5.12 s, windows, acceleration."""
