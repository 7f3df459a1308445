"""An Xvfb, and a person before it, inside tests/servers/with-keyring: for the servers that show windows."""
import os
import pathlib
import subprocess
import sys
import time

NAME = pathlib.Path(sys.argv[0]).name
if not os.environ.get("XDG_RUNTIME_DIR", "").startswith("/tmp/regsync."):
    sys.exit(f"{NAME}: not inside tests/servers/with-keyring")
UNPACKED = pathlib.Path(os.environ["REGSYNC_CACHE"]) / "unpacked"
HOME = pathlib.Path(os.environ["HOME"])
CONFIG = pathlib.Path(os.environ["XDG_CONFIG_HOME"])
RUNTIME = pathlib.Path(os.environ["XDG_RUNTIME_DIR"])
display_file = RUNTIME / "display"


def wait_until(what, holds):
    deadline = time.monotonic() + 60
    while not (result := holds()):
        if time.monotonic() > deadline:
            sys.exit(f"{NAME}: not {what} within 60 s")
        time.sleep(0.05)
    return result


def environment():
    """With the display, which is started if there is none yet."""
    if not display_file.exists():
        read, write = os.pipe()
        subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1200x900x24"], pass_fds=[write],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(write)
        display_file.write_text(":" + os.fdopen(read).readline().strip())
    return os.environ | {"DISPLAY": display_file.read_text(), "QT_QPA_PLATFORM": "xcb"}


def xdotool(*arguments):
    return subprocess.run(["xdotool", *map(str, arguments)], env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout.split("\n")[:-1]


def focus(window):
    xdotool("windowfocus", "--sync", window)
    time.sleep(0.2)  # Qt learns of its focus by an event


def call(path, method, *arguments, destination="org.freedesktop.secrets"):
    """The words of the answer; empty after an error."""
    return subprocess.run(
        ["dbus-send", "--session", "--print-reply=literal", f"--dest={destination}", path, method, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()


def owned():
    return "true" in call("/", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets",
                          destination="org.freedesktop.DBus")


def locked(collection):
    answer = call(collection, "org.freedesktop.DBus.Properties.Get", "string:org.freedesktop.Secret.Collection",
                  "string:Locked")
    return {"true": True, "false": False}.get(answer[-1]) if answer else None
