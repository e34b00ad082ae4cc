"""Pure code that the collar and the host both run."""
