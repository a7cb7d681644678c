import time

from filters import median

print("logger ready")
readings = []
for number in range(100000):
    readings.append(20 + number % 3)
    readings = readings[-5:]
    print("sample", number, "temperature", median(readings))
    time.sleep(0.1)
