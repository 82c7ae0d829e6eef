"""The hub: organisations act together on fingerprints; no media ever enters it."""

__version__ = "0.1.0"
