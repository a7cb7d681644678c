"""Hours of requests of every kind: memory, latency and losses over time, in a space that does not grow."""
