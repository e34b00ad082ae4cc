"""What waited for two weeks reaches the product's relay."""

from tests.bench import firmware_log


def test_fourteen_days_without_a_relay_are_taken_by_it_to_the_last_frame():
    found = firmware_log.drain_14d()
    assert found["drain_14d_frames"] > 1_000
    assert found["drain_14d_batches"] == -(-found["drain_14d_frames"] // 64)
