"""Who watches: what is not there for half an hour is told once, by a path that does not share its fault."""
