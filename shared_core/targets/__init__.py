"""Targets of our own, for where there is no debugger."""
