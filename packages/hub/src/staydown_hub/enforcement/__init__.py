"""What becomes of the lists at the platforms: who enforces which entry, what matched, what is disputed."""
