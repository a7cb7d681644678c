import time

print("idle")
while True:
    time.sleep(1)
