"""``verify``: compare the assembled tree with the one that the installed npm makes."""
