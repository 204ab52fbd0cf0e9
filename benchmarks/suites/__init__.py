"""What is measured, one subject a module. Each has ``measure(setting)``, which gives figures."""
