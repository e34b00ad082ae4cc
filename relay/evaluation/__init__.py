"""What measures the behaviour model: packs in, figures with their worst animal out."""
