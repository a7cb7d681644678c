"""From a save to an answer: files are watched, and pytest runs again."""
