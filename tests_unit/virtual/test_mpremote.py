"""Every verb of the unmodified mpremote works on the virtual board."""

from __future__ import annotations

import hashlib
import os
import pty
import select
import subprocess
import sys
import time

import serial


def test_exec_prints_crlf_as_hardware_does(mpremote):
    command = [sys.executable, "-m", "mpremote", *mpremote("exec", "print(1); print(2)").args[3:]]
    assert subprocess.run(command, capture_output=True, timeout=30).stdout == b"1\r\n2\r\n"


def test_exec_of_an_error_is_exit_code_1(mpremote):
    result = mpremote("exec", "1/0", check=False)
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr + result.stdout


def test_eval_and_run_print_results(mpremote, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('from', 'a file')\n")
    assert mpremote("eval", "6*7").stdout.strip() == "42"
    assert mpremote("run", str(script)).stdout.strip() == "from a file"


def test_a_tree_of_files_is_copied_to_the_board_and_back(mpremote, files):
    mpremote("fs", "cp", "-r", str(files / "pkg"), ":")
    assert "data.bin" in mpremote("fs", "tree", ":pkg").stdout
    assert "__init__.py" in mpremote("fs", "ls", ":pkg").stdout
    assert mpremote("fs", "cat", ":pkg/__init__.py").stdout.strip() == "ANSWER = 42"
    mpremote("fs", "cp", ":pkg/deep/data.bin", str(files / "back"))
    assert (files / "back").read_bytes() == (files / "pkg/deep/data.bin").read_bytes()
    assert mpremote("exec", "import pkg; print(pkg.ANSWER)").stdout.strip() == "42"
    mpremote("fs", "rm", "-r", ":pkg")
    assert "pkg" not in mpremote("fs", "ls").stdout


def test_folders_and_files_are_made_and_removed(mpremote):
    mpremote("fs", "mkdir", ":made", "+", "fs", "touch", ":made/empty", "+", "fs", "rm", ":made/empty")
    mpremote("fs", "rmdir", ":made")
    assert "made" not in mpremote("fs", "ls").stdout


def test_200_kilobytes_arrive_unharmed(mpremote, tmp_path):
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(200 * 1024))
    mpremote("fs", "cp", str(big), ":big.bin")
    assert hashlib.sha256(big.read_bytes()).hexdigest() in mpremote("fs", "sha256sum", ":big.bin").stdout
    mpremote("fs", "rm", ":big.bin")


def test_df_shows_the_flash(mpremote):
    assert str(512 * 4096) in mpremote("df").stdout


def test_soft_reset_and_reset_restart_the_board(mpremote, board):
    mpremote("soft-reset")
    with Repl(board, "reset") as repl:
        repl.until(
            b"rst:0x"
        )  # mpremote delays the reset on the board, where the next client's Ctrl-C would interrupt it
    assert mpremote("resume", "exec", "import machine; print(machine.reset_cause())").stdout.strip() == "2"


def test_mount_works_three_times_in_a_row(mpremote, files):
    for _ in range(3):
        result = mpremote("mount", str(files), "exec", "import pkg; print(pkg.ANSWER)")
        assert result.stdout.strip().endswith("42")


def test_mounted_binary_data_is_unharmed(mpremote, files):
    code = "d = open('pkg/deep/data.bin','rb').read(); open('copy.bin','wb').write(d); print(len(d))"
    mpremote("mount", str(files), "exec", code)
    assert (files / "copy.bin").read_bytes() == (files / "pkg/deep/data.bin").read_bytes()


class Repl:
    """``mpremote repl`` on a terminal of its own."""

    def __init__(self, board, *before):
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "mpremote", "connect", board.path, *before, "repl"]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.output = b""

    def until(self, text, seconds=15):
        end = time.monotonic() + seconds
        while text not in self.output:
            assert select.select([self.master], [], [], max(0, end - time.monotonic()))[0], self.output
            self.output += os.read(self.master, 4096)
        self.output = self.output.partition(text)[2]

    def type(self, keys):
        os.write(self.master, keys)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def test_repl_evaluates_soft_resets_and_exits(board):
    with Repl(board) as repl:
        repl.until(b"Ctrl-]")
        repl.type(b"\r6*7\r")
        repl.until(b"42\r\n>>> ")
        repl.type(b"\x04")
        repl.until(b"MPY: soft reboot")
        repl.until(b"camrig virtual board with ESP32")
        repl.type(b"\x1d")
        assert repl.process.wait(10) == 0


def test_repl_remounts_after_soft_reset(board, files):
    with Repl(board, "mount", str(files)) as repl:
        repl.until(b">>> ")
        for _ in range(3):
            repl.type(b"\x04")
            repl.until(b"Remount local directory")
            repl.until(b">>> ")
            repl.type(b"import os; print(len(os.listdir('/remote')))\r")
            repl.until(b"\r\n1\r\n")


def test_a_second_client_is_refused_and_the_next_is_not(board):
    with serial.Serial(board.path, exclusive=True):
        command = [sys.executable, "-m", "mpremote", "connect", board.path, "eval", "1"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert second.returncode == 1
    assert subprocess.run(command, capture_output=True, timeout=30).stdout.strip() == b"1"
