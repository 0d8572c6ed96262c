"""What the benchmark programs share: running a command, the machine's ceiling, kept results."""
