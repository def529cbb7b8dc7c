"""Chromium, through which the scripts here inspect a page."""

import base64
import contextlib
import json
import os
import subprocess
import time

PATIENCE = 60


class Browser:
    """Headless Chromium, controlled through a pipe."""

    def __init__(self, profile):
        (theirs_in, self.output), (self.input, theirs_out) = os.pipe(), os.pipe()
        # Chromium reads descriptor 3 and writes to 4: a shell moves the pipe's ends there.
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        arguments = [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
            "--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", command, "bash", *arguments], pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number, self.events = b"", 0, []

    def receive(self):
        while b"\0" not in self.buffer:
            more = os.read(self.input, 1 << 16)
            assert more, "Chromium has ended"
            self.buffer += more
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def close(self):
        with contextlib.suppress(Exception):
            self.ask("Browser.close")
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Page:
    def __init__(self, browser, url, width, scheme):
        self.browser = browser
        self.target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.ask(f"{domain}.enable")
        self.show_as(width, scheme)
        # The page also receives an event for each violation of the policy, whatever the browser logs.
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=(
            "window.violations = [];"
            "addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));"))
        self.ask("Page.navigate", url=url)

    def ask(self, method, **parameters):
        return self.browser.ask(method, self.session, **parameters)

    def show_as(self, width, scheme):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def value(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait(self, expression, what, seconds=PATIENCE):
        start = time.monotonic()
        while not self.value(expression):
            assert time.monotonic() - start < seconds, f"after {seconds} s: {what}; the page says {self.beginning()!r}"
            time.sleep(0.05)
        return time.monotonic() - start

    def beginning(self):
        return self.value("document.body?.innerText.slice(0, 300)")

    def press(self, key, text="", code=0):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code,
                     **({"text": text} if text and kind == "keyDown" else {}))

    def tab_to(self, expression, what):
        """Presses Tab until the focused element matches."""
        for _ in range(30):
            self.press("Tab", code=9)
            if self.value(f"(() => {{ const at = document.activeElement; return {expression}; }})()"):
                outline = self.value("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{what} does not show that it has the focus"
                return
        raise AssertionError(f"there is no way to {what} by the keyboard")

    def picture(self, file):
        height = self.value("document.documentElement.scrollHeight")
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": self.value("innerWidth"), "height": height, "scale": 1})
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        """Closes the page, and returns its errors."""
        wrong = [f"violation of {directive}" for directive in self.value("violations")]
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            parameters = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                wrong.append(parameters["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                wrong.append(f"{parameters['args']}")
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                wrong.append(f"{parameters['entry']['text']} ({parameters['entry'].get('url', '')})")
        self.browser.ask("Target.closeTarget", targetId=self.target)
        return wrong
