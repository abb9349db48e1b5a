import signal
import subprocess
import sys

import pytest

from quantumlayer.files.claimed_folder import claimed_folder, delete_abandoned

HOLD = """
import sys, time
from pathlib import Path
from quantumlayer.files.claimed_folder import claimed_folder
with claimed_folder(Path(sys.argv[1])) as folder:
    (folder / "deep").mkdir(parents=True)
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    yield process, process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


def test_nothing_stays_of_a_folder_whose_work_ends_or_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed_folder(tmp_path / "work") as folder:
        folder.mkdir()
        raise ZeroDivisionError
    assert list((tmp_path / "work").iterdir()) == []


def test_the_folder_of_a_living_process_is_left_alone(tmp_path, holder):
    delete_abandoned(tmp_path)
    assert (tmp_path / holder[1] / "deep").is_dir()


def test_the_folder_of_a_killed_process_is_deleted_by_the_next(tmp_path, holder):
    process, path = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    with claimed_folder(tmp_path):
        assert not (tmp_path / path).exists()
    assert list(tmp_path.iterdir()) == []
