"""Whether a victim is identified, and which unit holds the case: for police alone, sealed, and on record when read."""
