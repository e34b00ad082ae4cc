"""The `herdbell` command line."""
