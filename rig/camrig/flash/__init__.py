"""Writing firmware to a board through its boot loader: checked before, kept what was there, verified after."""
