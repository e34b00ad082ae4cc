# Left empty on purpose: main.py starts the collar, and nothing else may delay it.
