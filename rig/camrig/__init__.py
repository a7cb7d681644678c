"""camrig: a hardware-in-the-loop test rig for camera boards."""
