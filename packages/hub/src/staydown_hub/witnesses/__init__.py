"""Other parties that watch the lists' logs and countersign their checkpoints."""
