"""What a notebook shows: the explorer and the cell magic."""
