"""Signatures of files, made and checked by the program that the user's key belongs to: ssh-keygen or minisign."""
