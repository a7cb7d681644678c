"""Firmware images as bytes: what they are, whether they fit a board, and what writing them costs. Pure."""
