# SPDX-License-Identifier: MIT
"""The manual (docs/man) agrees with the library: forms, names, prototypes, examples, links."""

import glob
import os
import re
import subprocess

import pytest

from test_tools import BUILD, ROOT, make, run

SECTIONS = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "RETURN VALUE",
    "ERRORS",
    "DIFFERENCES FROM POSIX",
    "EXAMPLE",
    "SEE ALSO",
]
FOLDER = os.path.join(ROOT, "docs/man")
PAGES = sorted(
    os.path.basename(path)[:-3]
    for path in glob.glob(FOLDER + "/*.md")
    if not path.endswith("README.md")
)
# Functions of the library that programs do not call: newlib's posix_spawn() does, or the linker.
NOT_FOR_PROGRAMS = re.compile(r"_.*|sched_set.*|quartet_(start|thread_main|clone_main)")
# What the library's parts know of each other, and what they are compiled from.
OWN_HEADERS = [
    os.path.relpath(path, ROOT)
    for pattern in ("user/lib/*.h", "user/lib/pthread/*.h", "format/*.h")
    for path in glob.glob(os.path.join(ROOT, pattern))
    if not path.endswith("/quartet.h")
]
OUT = os.path.join(BUILD, "pae")


def sections(page):
    with open(os.path.join(FOLDER, page + ".md"), encoding="utf-8") as file:
        parts = re.split(r"^## (.*)\n", file.read(), flags=re.MULTILINE)
    return parts[0], parts[1::2], dict(zip(parts[1::2], parts[2::2]))


def names(page):
    return re.findall(r"\w+", sections(page)[2]["NAME"].split(":")[0])


def code(page, section):
    found = re.fullmatch(r"\s*```c\n(.*?)```\s*", sections(page)[2][section], re.DOTALL)
    assert found, f"{section} is not one block of C"
    return found.group(1)


@pytest.fixture(scope="module")
def compiler():
    """The command that compiles a program for the guest, and the library's archive."""
    status, _, complaint = make("ARCH=pae", "user")
    assert status == 0, complaint
    with open(os.path.join(ROOT, OUT, "user.flags"), encoding="utf-8") as file:
        return file.read().split()


def compile_text(compiler, text, *more):
    return subprocess.run(
        [*compiler, "-Werror", "-x", "c", "-", *more],
        input=text,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def symbols(*words):
    return subprocess.run(
        ["nm", *words], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def libraries(compiler):
    """What a program can be linked with."""
    folder = next(word for word in compiler if word.endswith("/pae/include"))
    archives = os.path.join(OUT, "user/lib/libquartet.a"), os.path.join(folder, "../lib/libc.a")
    return set(re.findall(r" [A-TV-Z] (\w+)$", symbols("-g", "--defined-only", *archives), re.M))


@pytest.mark.parametrize("page", PAGES)
def test_form(page):
    title, order, found = sections(page)
    assert title.strip() == "# " + page
    assert order == SECTIONS
    assert all(text.strip() for text in found.values())
    for link in re.findall(r"\]\(([^)#]+)\)", "".join(found.values())):
        assert os.path.exists(os.path.join(FOLDER, link)), link


def header_text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)


def declared(path):
    return set(re.findall(r"^[_a-z][\w \*]*?\b(\w+)\(", header_text(path), re.MULTILINE))


def test_every_function_has_a_page(compiler):
    """What the archive has beside system calls and what only its own parts know of each other."""
    listing = symbols("-g", "--defined-only", os.path.join(OUT, "user/lib/libquartet.a"))
    functions = set(re.findall(r" T (\w+)", listing))
    functions -= set().union(*(declared(path) for path in OWN_HEADERS))
    functions -= set(re.findall(r"SYSCALL\(\d+, (\w+)", header_text("abi/syscalls.def")))
    wanted = {name for name in functions if not NOT_FOR_PROGRAMS.fullmatch(name)}
    wanted |= declared("user/lib/quartet.h")
    described = [name for page in PAGES for name in names(page)]
    assert len(wanted) > 150
    assert sorted(wanted - set(described)) == []
    assert sorted(name for name in set(described) if described.count(name) > 1) == []


@pytest.mark.parametrize("page", PAGES)
def test_synopsis_is_what_the_headers_say(compiler, page):
    """What the includes of the page declare has the page's types: else the two conflict."""
    synopsis = code(page, "SYNOPSIS")
    prototypes = re.sub(r"^#.*\n", "", synopsis, flags=re.MULTILINE)
    includes = "".join(re.findall(r"^#.*\n", synopsis, re.MULTILINE))
    functions = re.findall(r"^[a-z][\w \*]*?\b(\w+)\(", prototypes, re.MULTILINE)
    assert set(functions) <= set(names(page)) and functions
    text = includes
    for name in functions:
        text += f"#undef {name}\n__typeof__({name}) *use_{name} = {name};\n"
    result = compile_text(compiler, text + prototypes, "-fsyntax-only")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES)
def test_example_compiles_and_links(compiler, libraries, page, tmp_path):
    program = str(tmp_path / "example.o")
    example = code(page, "EXAMPLE")
    result = compile_text(compiler, example, "-c", "-o", program)
    assert result.returncode == 0, result.stderr
    assert any(name in example for name in names(page))
    for name in re.findall(r" U (\w+)", symbols("-u", program)):
        assert name in libraries, name


def test_a_wrong_synopsis_is_noticed(compiler):
    wrong = "#include <unistd.h>\n__typeof__(close) *use_close = close;\nint close(long file);\n"
    assert compile_text(compiler, wrong, "-fsyntax-only").returncode != 0
    missing = "#include <stdio.h>\n__typeof__(poll) *use_poll = poll;\n"
    assert compile_text(compiler, missing, "-fsyntax-only").returncode != 0


def test_system_calls_have_pages(tmp_path):
    status, _, complaint = run("tools/generate-syscalls.py", "man", str(tmp_path))
    assert status == 0, complaint
    calls = re.findall(r"SYSCALL\(\d+, (\w+)", header_text("abi/syscalls.def"))
    assert sorted(os.listdir(tmp_path)) == sorted(name + ".md" for name in calls)
    text = (tmp_path / "handle_dup.md").read_text()
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == SECTIONS[:5]
    for error in ("E_HANDLE", "E_RIGHTS", "E_INVALID"):
        assert f"* `{error}`: " in text


def test_system_calls_name_the_errors_that_badcalls_provokes(tmp_path):
    assert run("tools/generate-syscalls.py", "man", str(tmp_path))[0] == 0
    sources = glob.glob(os.path.join(ROOT, "user/bin/badcalls*.c"))
    sources += glob.glob(os.path.join(ROOT, "user/bin/badcalls/*.c"))
    expected = set()
    for path in sources:
        with open(path, encoding="utf-8") as file:
            expected |= set(re.findall(r"EXPECT\((E_\w+),\s*(\w+)\(", file.read()))
    assert len(expected) > 100
    missing = []
    for error, call in sorted(expected):
        page = tmp_path / (call + ".md")
        if page.exists() and f"* `{error}`: " not in page.read_text():
            missing.append(f"{call}: {error}")
    assert missing == [], "ERRORS in abi/syscalls.def"
