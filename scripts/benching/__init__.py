"""scripts/bench: what goxray costs in gdb, in lldb and by itself."""
