"""The camera as a page in a browser meets it: a page of this computer, and which layer keeps it from the board."""
