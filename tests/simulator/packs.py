"""Small packs that tests write for themselves, in the documented form."""

import gzip

SEGMENTS = "seg,animal,label,start,n,mpu_ok,src\n"
SAMPLES = "seg,b_ax,b_ay,b_az,m_ax,m_ay,m_az,m_gx,m_gy,m_gz\n"


def write_pack(folder, segments, samples, header=SAMPLES, segments_header=SEGMENTS):
    """Write the rows of both files, given as text without line ends."""
    folder.mkdir(exist_ok=True)
    rows = segments_header + "".join(f"{row}\n" for row in segments)
    (folder / "segments.csv").write_text(rows, encoding="utf-8")
    with gzip.open(folder / "samples.csv.gz", "wt", encoding="utf-8") as out:
        out.write(header + "".join(f"{row}\n" for row in samples))
    return folder


def sample(segment, x, y=0, z=1000):
    """Return a row of samples.csv.gz; the other accelerometer is out of order."""
    return f"{segment},{x},{y},{z},9999,9999,9999,0,0,0"


def start_of(at_ms):
    """Return the local time that is so many ms after 10:00."""
    minutes, ms = divmod(at_ms, 60_000)
    return f"2024-05-13T10:{minutes:02}:{ms // 1000:02}.{ms % 1000:03}"


def write_recordings(folder, *recordings):
    """Write a pack of (animal, label, first sample in ms after 10:00, [(x, y, z), ...]), numbered from 0."""
    segments = [
        f"{number},{animal},{label},{start_of(at_ms)},{len(rows)},1,a"
        for number, (animal, label, at_ms, rows) in enumerate(recordings)
    ]
    samples = [sample(number, *row) for number, (_, _, _, rows) in enumerate(recordings) for row in rows]
    return write_pack(folder, segments, samples)
