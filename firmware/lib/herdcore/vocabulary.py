"""Names and numbers that collar, relay and simulator must agree on. Append only: positions and ids travel."""

# The index is the class on the wire, 3 bits.
BEHAVIOURS = ("unknown", "rest", "ruminate", "graze", "walk", "other")
BEHAVIOUR_COUNT = 6  # of them: a board needs no names

SCHEMA_WINDOWS = 1
SCHEMA_MINUTES = 2
SCHEMA_CODES = 3
SCHEMA_HEALTH = 4
SCHEMA_RAW = 5

WINDOW_SAMPLES = 64
WINDOW_MS = 5120  # at 12.5 Hz

IMU_NONE = 0  # Health.imu_chip
IMU_LSM6DSOX = 1
IMU_MPU6050 = 2
IMU_LIS2DW12 = 3

ACK_UPDATE_WAITING = 0x01  # bits of Ack.flags
ACK_NEWER_SETTINGS = 0x02

# How a collar lives: whether it sleeps deeply (starting anew at every wake), schema of what it has measured.
# The index travels in the settings block. The names are for hosts: frozen-deep is stock-deep with the
# application frozen into the image.
PROFILE_NAMES = ("stock-light", "stock-deep", "frozen-deep", "small-radio")
PROFILES = (
    (False, SCHEMA_WINDOWS),
    (True, SCHEMA_WINDOWS),
    (True, SCHEMA_WINDOWS),
    (False, SCHEMA_CODES),
)

HEALTH_PERIOD_STRETCHED = 0x01  # bits of Health.flags; 4..7 are the number of the settings block, modulo 16
HEALTH_ALARM_NO_MOVEMENT = 0x02
HEALTH_ALARM_VIOLENT = 0x04
HEALTH_SAFE = 0x08
