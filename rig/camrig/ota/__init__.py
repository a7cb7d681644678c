"""Firmware over the air: the spare slot of a board is written from MicroPython, and its boot loader rolls back."""
