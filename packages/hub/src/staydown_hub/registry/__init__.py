"""Items known by their fingerprints, where they were seen, and who judged them how."""
