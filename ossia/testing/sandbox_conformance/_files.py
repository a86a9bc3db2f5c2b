"""Files in and out, and what a hostile working directory must not achieve with them."""

from ossia.sandbox import Sandbox
from ossia.testing.sandbox_conformance._case import Collector, refusal, value

_case = Collector()
CASES = _case.cases

BAD_PATHS = ("", ".", "/etc/passwd", "../x", "a/../../x", "a\0b", "x" * 2000, "/")


async def _refused(sandbox: Sandbox, path: str) -> None:
    """Neither read nor written, with a sentence, at once."""
    assert await refusal(sandbox.get(path))
    assert await refusal(sandbox.put(path, b"x"))


@_case(shared=True)
async def bytes_come_back_as_they_went(sandbox: Sandbox) -> None:
    """Any bytes and any number of them, in folders that are made on the way."""
    for name, data in {"a": b"", "b/c/d.bin": bytes(range(256)) * 20_000, "größe 日本.txt": b"x"}.items():
        await sandbox.put(name, data)
        assert await sandbox.get(name) == data


@_case(shared=True)
async def code_sees_the_files(sandbox: Sandbox) -> None:
    """The kernel's working directory is where the files are, both ways."""
    await sandbox.put("in.txt", b"from outside")
    assert await value(sandbox, "open('in.txt').read()") == "'from outside'"
    await sandbox.execute("open('out.txt', 'w').write('from inside')")
    assert await sandbox.get("out.txt") == b"from inside"


@_case(shared=True)
async def a_file_is_replaced(sandbox: Sandbox) -> None:
    """Writing a file again leaves nothing of the old one."""
    await sandbox.put("again", b"a long first content")
    await sandbox.put("again", b"short")
    assert await sandbox.get("again") == b"short"


@_case(shared=True)
async def paths_outside_are_refused(sandbox: Sandbox) -> None:
    """Absolute paths, parents, NUL and endless names are refused with a sentence."""
    for path in BAD_PATHS:
        await _refused(sandbox, path)


@_case(shared=True)
async def links_are_not_followed(sandbox: Sandbox) -> None:
    """A link that the code planted, as the file or as a folder above it, leads nowhere."""
    await sandbox.execute("import os\nos.symlink('/etc/passwd', 'link')\nos.symlink('/etc', 'folder')")
    for path in ("link", "folder/passwd"):
        await _refused(sandbox, path)


@_case(shared=True)
async def only_regular_files_move(sandbox: Sandbox) -> None:
    """A FIFO, a folder and a socket are refused at once, not waited for."""
    await sandbox.execute(
        "import os, socket\nos.mkfifo('fifo')\nos.mkdir('dir')\nsocket.socket(socket.AF_UNIX).bind('sock')"
    )
    for path in ("fifo", "dir", "sock"):
        await _refused(sandbox, path)


@_case(shared=True)
async def a_missing_file_is_told(sandbox: Sandbox) -> None:
    """Reading what is not there is the caller's mistake, with the path in the message."""
    assert "not/there" in await refusal(sandbox.get("not/there"))


@_case(shared=True)
async def files_that_are_too_large_are_refused(sandbox: Sandbox) -> None:
    """A sparse file that pretends to be huge is not read."""
    await sandbox.execute("f = open('sparse', 'wb')\nf.truncate(100 << 30)\nf.close()")
    assert "limit" in await refusal(sandbox.get("sparse"))
    await sandbox.execute("import os\nos.unlink('sparse')")


@_case()
async def the_listing_has_regular_files_only(sandbox: Sandbox) -> None:
    """Path and size of each regular file, folders walked, links left out."""
    await sandbox.put("one", b"1")
    await sandbox.put("folder/two", b"22")
    await sandbox.execute("import os\nos.symlink('/etc', 'away')\nos.symlink('one', 'same')\nos.mkfifo('fifo')")
    assert [(file.path, file.size) for file in await sandbox.files()] == [("folder/two", 2), ("one", 1)]


@_case()
async def a_snapshot_brings_the_files_back(sandbox: Sandbox) -> None:
    """`snapshot` and `restore` bring files, folders and links back as they were."""
    await sandbox.put("folder/file", b"content")
    await sandbox.execute("import os\nos.symlink('folder/file', 'link')")
    snapshot = await sandbox.snapshot()
    await sandbox.execute("import shutil\nshutil.rmtree('folder')\nos.unlink('link')")
    await sandbox.restore(snapshot)
    assert await sandbox.get("folder/file") == b"content"
    assert await value(sandbox, "os.readlink('link')") == "'folder/file'"
