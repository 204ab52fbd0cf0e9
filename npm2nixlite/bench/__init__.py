"""``bench``: how fast this machine fetches a lock, and what the time goes to."""
