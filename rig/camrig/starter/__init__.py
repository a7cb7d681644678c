"""What ``camrig init`` writes into a repository."""
