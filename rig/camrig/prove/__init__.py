"""Faulty copies of a CORS library, put before the suite and the gate: do they find what they are there to find?"""
