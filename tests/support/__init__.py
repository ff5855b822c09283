"""What the tests, the demo and the bench share: toolchains, fixture programs, their cores, gdb runs, oracles."""
