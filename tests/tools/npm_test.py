#!/usr/bin/env python3
"""npm_test.py ROOT: tools/fetch-npm-package against a registry on the loopback."""
import base64
import hashlib
import http.server
import importlib.machinery
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

ROOT = sys.argv.pop(1)
TOOL = os.path.join(ROOT, "tools/fetch-npm-package")


def load_tool():
    loader = importlib.machinery.SourceFileLoader("fetch_npm_package", TOOL)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch_npm_package", loader))
    loader.exec_module(module)
    return module


def package(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Registry(http.server.BaseHTTPRequestHandler):
    tarball = b""
    asked = 0

    def do_GET(self):
        Registry.asked += 1
        if self.path == "/viewer/1.2.3":
            body = json.dumps({"dist": {"tarball": "/viewer/-/viewer-1.2.3.tgz"}}).encode()
        elif self.path == "/viewer/-/viewer-1.2.3.tgz":
            body = Registry.tarball
        else:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Fetch(unittest.TestCase):
    def setUp(self):
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Registry)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        Registry.asked = 0
        self.lock({"a.js": b"let a", "unwanted": b"x"}, ["a.js"])

    def tearDown(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def lock(self, files, wanted, integrity=None):
        Registry.tarball = package(files)
        integrity = integrity or "sha512-" + base64.b64encode(hashlib.sha512(Registry.tarball).digest()).decode()
        with open(os.path.join(self.folder, "package.json"), "w", encoding="utf-8") as file:
            json.dump({"dependencies": {"viewer": "1.2.3"}, "weirFiles": {"viewer": wanted}}, file)
        with open(os.path.join(self.folder, "package-lock.json"), "w", encoding="utf-8") as file:
            json.dump({"packages": {"node_modules/viewer": {"version": "1.2.3", "integrity": integrity}}}, file)

    def fetch(self, **environment):
        return subprocess.run([sys.executable, TOOL, "--all"], capture_output=True, text=True, env={
            **os.environ, "WEIR_NPM_LOCK": self.folder, "WEIR_NPM_DIR": os.path.join(self.folder, "out"),
            "XDG_CACHE_HOME": os.path.join(self.folder, "cache"),
            "npm_config_registry": f"http://127.0.0.1:{self.server.server_port}", **environment})

    def out(self, *names):
        return os.path.join(self.folder, "out/viewer/1.2.3", *names)

    def test_brings_the_named_files_once(self):
        done = self.fetch()
        self.assertEqual((done.returncode, os.listdir(self.out())), (0, ["a.js"]), done.stderr)
        with open(self.out("a.js"), "rb") as file:
            self.assertEqual(file.read(), b"let a")
        asked = Registry.asked
        self.assertEqual(self.fetch().returncode, 0)
        os.remove(self.out("a.js"))
        self.assertEqual(self.fetch(WEIR_OFFLINE="1").returncode, 0)  # from the cache
        self.assertTrue(os.path.exists(self.out("a.js")))
        self.assertEqual(Registry.asked, asked)

    def test_refuses_another_content(self):
        self.lock({"a.js": b"evil"}, ["a.js"], "sha512-" + base64.b64encode(b"0" * 64).decode())
        done = self.fetch()
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not match the integrity", done.stderr)
        self.assertFalse(os.path.exists(self.out()))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "cache")))

    def test_a_spoilt_cache_is_fetched_anew(self):
        self.fetch()
        with open(os.path.join(self.folder, "cache/weir/viewer-1.2.3.tgz"), "wb") as file:
            file.write(b"half")
        os.remove(self.out("a.js"))
        self.assertEqual(self.fetch().returncode, 0)
        self.assertTrue(os.path.exists(self.out("a.js")))

    def test_without_a_network_it_says_so_and_what_follows(self):
        done = self.fetch(npm_config_registry="http://127.0.0.1:9")
        self.assertEqual(done.returncode, 1)
        self.assertIn("The build goes on without it", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_file_that_the_package_lacks(self):
        self.lock({"a.js": b"let a"}, ["a.js", "b.js"])
        done = self.fetch()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no file b.js", done.stderr)
        self.assertFalse(os.path.exists(self.out()))

    def test_links_are_not_followed(self):
        self.lock({"a.js": None}, ["a.js"])
        done = self.fetch()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no plain file", done.stderr)


class Settings(unittest.TestCase):
    def test_environment_before_files(self):
        tool = load_tool()
        with tempfile.NamedTemporaryFile("w", suffix="npmrc") as npmrc:
            npmrc.write("; registry=http://comment/\nregistry = http://from-file/npm\ncafile=/etc/x.pem\n")
            npmrc.flush()
            self.assertEqual(tool.settings({}, [npmrc.name]), ("http://from-file/npm/", "/etc/x.pem"))
            self.assertEqual(tool.settings({"npm_config_registry": "http://from-env"}, [npmrc.name])[0], "http://from-env/")

    def test_the_lock_file_names_no_host(self):
        with open(os.path.join(ROOT, "tools/npm/package-lock.json"), encoding="utf-8") as file:
            packages = json.load(file)["packages"]
        for name, entry in packages.items():
            self.assertTrue(entry.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/"), name)
            self.assertTrue(name == "" or entry["integrity"].startswith("sha512-"), name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
