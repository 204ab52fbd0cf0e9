"""What a lock brings in: who asks for a package, and what differs between two locks."""
