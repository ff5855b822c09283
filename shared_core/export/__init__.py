"""Stacks of goroutines in the forms of other tools: above runtime, and holding nothing that is shown to people."""
