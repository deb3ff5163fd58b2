# SPDX-License-Identifier: MIT
"""Programs that are not ours: newlib's own test-suite, unpacked from its source at test time, built by
EXTRA= and run in a guest with an initrd of its own."""

import glob
import os
import re
import subprocess
import tarfile

import pytest

from machine import ARCH, BUILD, ROOT, run_line

# What needs parts that are not built: iconv's tables, locales with several bytes a character, mmap.
LEFT_OUT = ("newlib.iconv", "newlib.locale", "newlib.elix")


def newest_source():
    found = sorted(glob.glob("/usr/src/newlib/newlib-*.tar.*"))
    return found[-1] if found else None


def unpack(folder):
    """The suite's C files side by side in FOLDER, and its check.h; their names."""
    names = []
    with tarfile.open(newest_source()) as archive:
        for member in archive:
            part = member.name.split("/testsuite/")[-1]
            wanted = part == "include/check.h" or part.endswith(".c") and part.startswith("newlib.")
            if "/testsuite/" in member.name and wanted and not part.startswith(LEFT_OUT):
                name = os.path.basename(part)
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(archive.extractfile(member).read())
                names += [name[:-2]] if name.endswith(".c") else []
    return names


def build_image(folder, extra, names):
    """FOLDER/ARCH: the usual kernel, and the usual initrd with the programs of EXTRA."""
    programs = [os.path.join(BUILD, ARCH, "extra", name + ".elf") for name in names]
    command = ["make", "--no-print-directory", f"ARCH={ARCH}", f"BUILD={BUILD}", f"EXTRA={extra}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    built = subprocess.run(
        [*command, *programs], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    staging, out = os.path.join(folder, "staging"), os.path.join(folder, ARCH)
    usual = os.path.join(ROOT, BUILD, ARCH)
    subprocess.run(["cp", "-a", os.path.join(usual, "initrd"), staging], check=True)
    for name in names:
        source = os.path.join(usual, "extra", name + ".elf")
        subprocess.run(["strip", "-o", os.path.join(staging, "bin", name), source], check=True)
    os.makedirs(out)
    os.symlink(os.path.join(usual, "kernel.elf"), os.path.join(out, "kernel.elf"))
    files = subprocess.run(
        "find . -mindepth 1 | sed 's,^\\./,,' | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet",
        shell=True,
        cwd=staging,
        capture_output=True,
        check=True,
    ).stdout
    with open(os.path.join(out, "initrd.cpio"), "wb") as file:
        file.write(files)


@pytest.mark.skipif(newest_source() is None, reason="newlib's source is not installed")
def test_newlib_suite(tmp_path):
    """Each of its programs ends with 0 and complains of nothing."""
    extra = tmp_path / "extra"
    extra.mkdir()
    names = unpack(extra)
    assert len(names) >= 10
    build_image(str(tmp_path), str(extra), names)
    line = "; ".join(f"{name} >/tmp/out || echo {name} FAILED; cat /tmp/out" for name in names)
    result = run_line(f"{line}; echo all", bound=300, BUILD=str(tmp_path))
    assert result.status == 0 and result.output.endswith("all\n")
    assert not re.search("failed|error", result.output, re.IGNORECASE), result.output
