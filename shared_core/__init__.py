"""goxray's core: reads stripped Go programs through a Target and knows no debugger."""

__version__ = "0.1.0"
