"""The farmer's phone as a page in a browser."""
