"""scripts/bench: what goxray costs in gdb, over gdb alone."""
