"""The file system itself, a process of its own: disks as folders, orders on standard input.

`python -m gatepost.demo.tearing.server FOLDER`, then one order a line as JSON on standard input,
one answer a line. It ends, and unmounts, when standard input does.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
import time
from typing import Any

os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")
import mfusepy  # the library is chosen before it is loaded

from gatepost.demo.tearing.disk import File, Folder, named
from gatepost.demo.tearing.orders import Orders, wrong

_NAMES_LIVE_S = 86_400  # nobody but the kernel changes a disk: it may remember names
_BLOCK, _BLOCKS = 4096, 1 << 20


class Rig(Orders, mfusepy.Operations):  # type: ignore[misc]
    """The operations of the kernel, on what the orders made.

    Attributes:
        counts: of each disk, of each file or folder: writes, bytes, flushes.
    """

    use_ns = True

    def init_with_config(self, _connection: Any, config: Any) -> None:
        if config is not None:
            config.hard_remove = True
            config.entry_timeout = config.attr_timeout = float(_NAMES_LIVE_S)

    def _find(self, path: str) -> tuple[str, File | Folder]:
        disk, _, rest = path.lstrip("/").partition("/")
        if disk not in self.disks:
            raise wrong(errno.ENOENT)
        node: File | Folder = self.disks[disk].root
        for name in filter(None, rest.split("/")):
            if not isinstance(node, Folder) or name not in node.names:
                raise wrong(errno.ENOENT)
            node = node.names[name]
        return disk, node

    def _within(self, path: str) -> tuple[str, Folder, str]:
        above, _, name = path.rpartition("/")
        disk, folder = self._find(above)
        if not isinstance(folder, Folder):
            raise wrong(errno.ENOTDIR)
        return disk, folder, name

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, Any]:
        with self._mutex:
            if fh and fh in self._open:
                node = self._open[fh][2]
            elif path == "/":
                node = Folder()
            else:
                _, node = self._find(path or "")
            if isinstance(node, Folder):
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2} | _owner()
            size = len(node.content)
            blocks = (size + 511) // 512
            return {
                "st_mode": stat.S_IFREG | 0o644,
                "st_nlink": 1,
                "st_size": size,
                "st_blocks": blocks,
            } | _owner()

    def readdir(self, path: str | None, fh: int) -> list[str]:
        with self._mutex:
            if path == "/" or (path is None and fh not in self._open):
                return [".", "..", *self.disks]
            node = self._open[fh][2] if fh in self._open else self._find(path or "")[1]
            if not isinstance(node, Folder):
                raise wrong(errno.ENOTDIR)
            return [".", "..", *node.names]

    def opendir(self, path: str) -> int:
        return 0 if path == "/" else self.open(path, 0)

    def releasedir(self, path: str | None, fh: int) -> int:
        return self.release(path, fh)

    def open(self, path: str, flags: int) -> int:
        with self._mutex:
            disk, node = self._find(path)
            if flags & os.O_TRUNC and isinstance(node, File):
                self._power(disk)
                node.truncate(0)
                self._changed(disk, node, "truncate", path)
            return self._opened(disk, path, node)

    def _opened(self, disk: str, path: str, node: File | Folder) -> int:
        self._next += 1
        self._open[self._next] = (disk, path.rpartition("/")[2], node)
        return self._next

    def create(self, path: str, _mode: int, _flags: int) -> int:
        with self._mutex:
            disk, folder, name = self._within(path)
            self._power(disk)
            self._may("write")
            node = named(name)
            self.disks[disk].rename((folder, name, node))
            self._changed(disk, node, "create", name)
            return self._opened(disk, path, node)

    def release(self, _path: str | None, fh: int) -> int:
        with self._mutex:
            self._open.pop(fh, None)
        return 0

    def read(self, _path: str | None, size: int, offset: int, fh: int) -> bytes:
        with self._mutex:
            self._may("read")
            file = self._open[fh][2]
            if not isinstance(file, File):
                raise wrong(errno.EISDIR)
            return bytes(file.content[offset : offset + size])

    def write(self, _path: str | None, data: bytes, offset: int, fh: int) -> int:
        with self._mutex:
            disk, name, file = self._open[fh]
            if not isinstance(file, File):
                raise wrong(errno.EISDIR)
            if not file.shared_memory:
                self._power(disk)
                self._may("write")
            file.write(offset, data)
            self._tally(disk, name, "writes", 1)
            self._tally(disk, name, "bytes", len(data))
            self._changed(disk, file, "write", name)
            return len(data)

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> int:
        with self._mutex:
            if fh and fh in self._open:
                disk, name, file = self._open[fh]
            else:
                disk, file = self._find(path or "")
                name = (path or "").rpartition("/")[2]
            if not isinstance(file, File):
                raise wrong(errno.EISDIR)
            self._power(disk)
            file.truncate(length)
            self._changed(disk, file, "truncate", name)
        return 0

    def fsync(self, _path: str | None, _datasync: int, fh: int) -> int:
        if self._slow_s:
            time.sleep(self._slow_s)
        with self._mutex:
            disk, name, node = self._open[fh]
            self._power(disk)
            self._may("fsync")
            kind = "files" if isinstance(node, File) else "folders"
            self._tally(disk, name, "flushes", 1)
            self._changed(disk, node, "flush", name)
            if kind in self._lies or name in self._lies:
                return 0
            if isinstance(node, File):
                node.flush()
            else:
                self.disks[disk].flush_folder(node)
        return 0

    def fsyncdir(self, path: str | None, datasync: int, fh: int) -> int:
        return self.fsync(path, datasync, fh)

    def unlink(self, path: str) -> int:
        with self._mutex:
            disk, folder, name = self._within(path)
            node = folder.names.get(name)
            if node is None:
                raise wrong(errno.ENOENT)
            self._power(disk)
            self.disks[disk].rename((folder, name, None))
            self._changed(disk, node, "unlink", name)
        return 0

    def rmdir(self, path: str) -> int:
        _, node = self._find(path)
        if isinstance(node, Folder) and node.names:
            raise wrong(errno.ENOTEMPTY)
        return self.unlink(path)

    def mkdir(self, path: str, _mode: int) -> int:
        with self._mutex:
            disk, folder, name = self._within(path)
            self._power(disk)
            node = Folder()
            self.disks[disk].rename((folder, name, node))
            self._changed(disk, node, "mkdir", name)
        return 0

    def rename(self, old: str, new: str) -> int:
        with self._mutex:
            disk, folder, name = self._within(old)
            other, into, wanted = self._within(new)
            if disk != other:
                raise wrong(errno.EXDEV)
            node = folder.names[name]
            self._power(disk)
            self.disks[disk].rename((folder, name, None), (into, wanted, node))
            self._changed(disk, node, "rename", f"{name} to {wanted}")
        return 0

    def chmod(self, _path: str | None, _mode: int) -> int:
        return 0  # a cut leaves everybody's files readable here

    def chown(self, _path: str | None, _uid: int, _gid: int) -> int:
        return 0

    def utimens(self, _path: str | None, _times: Any = None) -> int:
        return 0

    def statfs(self, _path: str) -> dict[str, int]:
        free = {"f_bfree": _BLOCKS, "f_bavail": _BLOCKS}
        return free | {"f_bsize": _BLOCK, "f_frsize": _BLOCK, "f_blocks": _BLOCKS, "f_namemax": 255}


def _owner() -> dict[str, int]:
    return {"st_uid": os.getuid(), "st_gid": os.getgid()}


def _listen(rig: Rig, folder: str) -> None:
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"is": rig.obey(json.loads(line))}
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            answer = {"error": repr(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    subprocess.run(["fusermount3", "-u", "-z", folder], check=False, stderr=subprocess.DEVNULL)


def main() -> None:
    """Serve until standard input ends."""
    folder = sys.argv[1]
    rig = Rig()
    threading.Thread(target=_listen, args=(rig, folder), daemon=True).start()
    mfusepy.FUSE(rig, folder, foreground=True, nothreads=True, fsname="tearing", subtype="tearing")


if __name__ == "__main__":
    main()
