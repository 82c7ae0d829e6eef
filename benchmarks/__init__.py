"""Every performance claim of the README, re-runnable beside the peers in the same run."""
