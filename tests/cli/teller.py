"""A role that tells its settings and stays."""

import os
import time

for name, value in os.environ.items():
    if name.startswith("LOYALTY_"):
        print(f"{name}={value}")
print("end=")
time.sleep(60)
