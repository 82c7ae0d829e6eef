"""What becomes of the lists at the platforms: which filters enforce which entry, what they matched, what they dispute."""
