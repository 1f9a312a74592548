"""What a user hands to ``il.compile`` -> MLIR module text."""
