"""Where a binary cache lies: one kind of place, one file."""
