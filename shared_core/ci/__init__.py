"""goxray ci: many cores at once, for machines: verdicts, and what JUnit, SARIF and JSON are made of."""
