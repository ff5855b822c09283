"""Writes what the linker left out: an ELF file with symbols and DWARF, from a stripped program's own tables."""
