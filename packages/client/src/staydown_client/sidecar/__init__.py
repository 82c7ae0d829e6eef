"""The sidecar: the filter over HTTP, for platforms that are not written in Python."""
