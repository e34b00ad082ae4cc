# MicroPython with the collar frozen in: make BOARD=ESP32_GENERIC_C3 FROZEN_MANIFEST=<here>/manifest.py
# ruff: noqa: F821 - MicroPython's makemanifest.py gives these names
include("$(PORT_DIR)/boards/manifest.py")
package("herdcore", base_path="lib", opt=1)
package("collar", base_path="lib", opt=1)
module("main.py", opt=1)
