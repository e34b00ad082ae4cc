"""HTTP: frames in, health out."""
