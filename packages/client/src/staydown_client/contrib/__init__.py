"""Upload hooks for web frameworks; each imports its framework, which staydown-client does not bring along."""
