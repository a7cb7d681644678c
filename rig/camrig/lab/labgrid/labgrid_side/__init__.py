"""What runs in labgrid's own environment, where camrig is not installed: reads requests, writes responses and events.

Both are lines of JSON. When its standard input ends, whoever started it has ended, in whatever way: then it gives
back what it has acquired, reserved or created at the coordinator, and ends too.
"""
