"""The use cases of stores: sources into the local one, sources and closures into others."""
