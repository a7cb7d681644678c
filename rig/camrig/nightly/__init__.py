"""The night of a lab in one command: suite, gate, soak, drift, pages, history, and what may go."""
