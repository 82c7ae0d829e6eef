"""Makes the list a log that can be verified: tree, notes, keys, signer and the files that are served. No Django."""
