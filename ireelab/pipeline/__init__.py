"""The compile path: source -> pipeline -> trace -> program."""
