"""A release: the stages that decide about a firmware, the record of them, and the page."""
