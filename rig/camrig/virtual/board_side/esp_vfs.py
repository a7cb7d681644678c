"""``vfs`` without the host's filesystem."""

HIDDEN = ("VfsPosix", "VfsLfs1")
