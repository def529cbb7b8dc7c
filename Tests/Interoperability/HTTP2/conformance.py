"""A client that sends valid and invalid frames to the web app at the given URL, and checks its reaction.

Each case has a section of RFC 9113 or of another RFC, the bytes to send, and the expected reaction. The client sends them
in one piece behind the preface, in one piece on an open connection, and in small pieces. It measures no time: a PING checks
that the connection is open, and a closing connection is read to its end.
"""

import re
import sys
import urllib.parse

import hpack

from frames import *


def answer(status=200, *streams):
    """Expects answers on the streams, or on the first one, and an open connection."""

    def judge(connection):
        connection.wait(lambda: connection.ended.issuperset(streams or [1]) or connection.words)
        connection.settle()
        assert not connection.words, connection.words
        assert all(connection.status[stream] == status for stream in streams or [1]), connection.status

    return judge


def stream_error(code, stream=1):
    """Expects only a reset of the stream with `code`, and an open connection."""

    def judge(connection):
        connection.wait(lambda: connection.words)
        connection.settle()
        assert connection.words == [f"RST_STREAM {stream} {code}"], connection.words

    return judge


def connection_error(code):
    """Expects the end of the connection after a GOAWAY with `code`."""

    def judge(connection):
        while connection.receive():
            pass
        assert connection.words == [f"GOAWAY {code}"] and connection.last == GOAWAY, connection.words

    return judge


def nothing(connection):
    connection.settle()
    assert not connection.words, connection.words


# With closed windows an answered stream stays half-closed (remote).
STUCK = settings((INITIAL_WINDOW, 0)) + get()
BAD, MALFORMED = connection_error(PROTOCOL), stream_error(PROTOCOL)
WRONG_SIZE, WRONG_BLOCK = connection_error(FRAME_SIZE), connection_error(COMPRESSION)
BASE = b"\x82\x86\x84\x01\x01x"  # GET http / and an authority
BEGUN = headers(head()[:5], flags=END_STREAM)  # An incomplete block.
REST = frame(CONTINUATION, END_HEADERS, 1, head()[5:])
LARGE = block(*[("x", "y" * 1000)] * 14)

# If a case is a list, the client sends each part after the answer to the part before it.
CASES = [
    ("4.1", "an unknown frame", frame(UNKNOWN, 255, 1, b"whatever") + get(), answer()),
    ("4.1", "undefined flags, and the reserved bit", frame(PING, 0x16, 1 << 31, bytes(8)), nothing),
    ("4.2", "the largest frame", post() + data(bytes(16384)), answer()),
    ("4.2", "a frame that is larger", post() + data(bytes(16385)), WRONG_SIZE),
    ("4.2", "the announcement of a huge one", frame(DATA, 0, 1, length=0xFFFFFF), WRONG_SIZE),
    ("4.3", "a block in three frames", BEGUN + frame(CONTINUATION, 0, 1) + REST, answer()),
    ("4.3", "a truncated block", headers(head()[:-1]), WRONG_BLOCK),
    ("4.3", "PRIORITY within a block", BEGUN + priority(1) + REST, BAD),
    ("4.3", "PING within a block", BEGUN + ping() + REST, BAD),
    ("4.3", "an unknown frame within a block", BEGUN + frame(UNKNOWN, 0, 1) + REST, BAD),
    ("4.3", "another stream within a block", BEGUN + get(3) + REST, BAD),
    ("5.1", "idle: DATA", data(b"x"), BAD),
    ("5.1", "idle: RST_STREAM", reset(), BAD),
    ("5.1", "idle: WINDOW_UPDATE", window(1, 1), BAD),
    ("5.1", "idle: CONTINUATION", REST, BAD),
    ("5.1", "idle: PRIORITY", priority(1) + priority(99) + get(), answer()),
    ("5.1", "half-closed (remote): DATA", STUCK + data(b"x"), stream_error(CLOSED)),
    ("5.1", "half-closed (remote): HEADERS", STUCK + get(), stream_error(CLOSED)),
    ("5.1", "half-closed (remote): CONTINUATION", STUCK + REST, BAD),
    ("5.1", "half-closed (remote): WINDOW_UPDATE", STUCK + window(1, 20) + priority(1), answer()),
    ("5.1", "half-closed (remote): RST_STREAM", STUCK + reset() + window(1, 20), nothing),
    ("5.1", "reset: DATA", post() + reset() + data(b"x"), stream_error(CLOSED)),
    ("5.1", "reset: HEADERS", post() + reset() + get(), stream_error(CLOSED)),
    ("5.1", "reset: CONTINUATION", post() + reset() + REST, BAD),
    ("5.1", "reset: WINDOW_UPDATE, RST_STREAM", post() + reset() + window(1, 1) + reset() + priority(1), nothing),
    ("5.1", "closed: DATA", [get(), data(b"x")], connection_error(CLOSED)),
    ("5.1", "closed: HEADERS", [get(), get()], connection_error(CLOSED)),
    ("5.1", "closed: CONTINUATION", [get(), REST], BAD),
    ("5.1", "closed: WINDOW_UPDATE, RST_STREAM, PRIORITY", [get(), window(1, 1) + reset() + priority(1)], nothing),
    ("5.1.1", "an even stream", get(2), BAD),
    ("5.1.1", "a lower stream", get(5) + get(3), BAD),
    ("5.1.1", "the highest stream", get(0x7FFFFFFF), answer(200, 0x7FFFFFFF)),
    ("5.1.2", "a stream too many", settings((INITIAL_WINDOW, 0)) + b"".join(get(2 * n + 1) for n in range(101)),
     stream_error(REFUSED, 201)),
    ("5.3", "priority of RFC 7540", headers(b"\0\0\0\3\xff" + head(), flags=END_STREAM | END_HEADERS | WITH_PRIORITY),
     answer()),
    ("5.4.1", "nothing follows the GOAWAY", get() + ping(1) + get(3) + ping(), BAD),
    ("6.1", "DATA on stream 0", data(b"x", stream=0), BAD),
    ("6.1", "padding", post() + data(b"\4xpads", END_STREAM | PADDED), answer()),
    ("6.1", "padding alone", post() + data(b"\4pads", END_STREAM | PADDED), answer()),
    ("6.1", "more padding than frame", post() + data(b"\5pads", END_STREAM | PADDED), BAD),
    ("6.2", "HEADERS on stream 0", get(0), BAD),
    ("6.2", "padding", headers(b"\4" + head() + b"pads", flags=END_STREAM | END_HEADERS | PADDED), answer()),
    ("6.2", "more padding than frame", headers(b"\xff" + head(), flags=END_STREAM | END_HEADERS | PADDED), BAD),
    ("6.3", "PRIORITY on stream 0", priority(0), BAD),
    ("6.3", "PRIORITY of four bytes", post() + frame(PRIORITY, 0, 1, bytes(4)), stream_error(FRAME_SIZE)),
    ("6.4", "RST_STREAM on stream 0", reset(0), BAD),
    ("6.4", "RST_STREAM of three bytes", post() + frame(RST_STREAM, 0, 1, bytes(3)), WRONG_SIZE),
    ("6.5", "SETTINGS with ACK and a payload", frame(SETTINGS, ACK, 0, bytes(6)), WRONG_SIZE),
    ("6.5", "SETTINGS on a stream", frame(SETTINGS, 0, 1), BAD),
    ("6.5", "SETTINGS of three bytes", frame(SETTINGS, 0, 0, bytes(3)), WRONG_SIZE),
    ("6.5.2", "ENABLE_PUSH of 2", settings((ENABLE_PUSH, 2)), BAD),
    ("6.5.2", "INITIAL_WINDOW_SIZE of 2^31", settings((INITIAL_WINDOW, 1 << 31)), connection_error(FLOW_CONTROL)),
    ("6.5.2", "MAX_FRAME_SIZE of 2^14 - 1", settings((MAX_FRAME_SIZE, 16383)), BAD),
    ("6.5.2", "MAX_FRAME_SIZE of 2^24", settings((MAX_FRAME_SIZE, 1 << 24)), BAD),
    ("6.5.2", "allowed and unknown settings", settings((MAX_FRAME_SIZE, 0xFFFFFF), (ENABLE_PUSH, 1), (0xFF, 1)) + get(), answer()),
    ("6.5.2", "a list that is too large", headers(head() + LARGE, flags=END_STREAM) + frame(CONTINUATION, 0, 1, LARGE)
     + frame(CONTINUATION, END_HEADERS, 1, LARGE), answer(431)),
    ("6.5.2", "a block without end", BEGUN + frame(CONTINUATION, 0, 1, LARGE) * 6, connection_error(ENHANCE_YOUR_CALM)),
    ("6.6", "PUSH_PROMISE", post() + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + head()), BAD),
    ("6.7", "PING on a stream", ping(1), BAD),
    ("6.7", "PING of six bytes", frame(PING, 0, 0, bytes(6)), WRONG_SIZE),
    ("6.7", "a PING acknowledgement without a PING", frame(PING, ACK, 0, bytes(8)), nothing),
    ("6.8", "GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), BAD),
    ("6.8", "GOAWAY with an unknown code", post() + frame(GOAWAY, 0, 0, bytes(7) + b"\xff") + data(), answer()),
    ("6.9", "WINDOW_UPDATE by 0 of the connection", window(0, 0), BAD),
    ("6.9", "WINDOW_UPDATE by 0 of a stream", post() + window(1, 0), MALFORMED),
    ("6.9", "WINDOW_UPDATE of three bytes", frame(WINDOW_UPDATE, 0, 0, bytes(3)), WRONG_SIZE),
    ("6.9.1", "the connection's largest window", window(0, 0x7FFFFFFF - 65535), nothing),
    ("6.9.1", "the connection's window too large", window(0, 0x7FFFFFFF - 65534), connection_error(FLOW_CONTROL)),
    ("6.9.1", "a stream's window too large", post() + window(1, 0x7FFFFFFF), stream_error(FLOW_CONTROL)),
    ("6.9.2", "a setting makes a window too large", settings((INITIAL_WINDOW, 0)) + post() + window(1, 0x7FFFFFFF)
     + settings((INITIAL_WINDOW, 1)), connection_error(FLOW_CONTROL)),
    ("6.10", "CONTINUATION on stream 0", BEGUN + frame(CONTINUATION, END_HEADERS, 0, head()[5:]), BAD),
    ("6.10", "CONTINUATION after the end of a block", post() + REST, BAD),
    ("7", "RST_STREAM with an unknown code", post() + frame(RST_STREAM, 0, 1, b"\0\0\0\xff"), nothing),
    ("8.1", "trailers", post() + data(b"x", 0) + headers(block(("a", "b"))), answer()),
    ("8.1", "trailers that are not the end", post() + headers(block(("a", "b")), flags=END_HEADERS), MALFORMED),
    ("8.1.1", "less content than declared", post(("content-length", "2")) + data(b"x"), MALFORMED),
    ("8.1.1", "more content than declared", post(("content-length", "1")) + data(b"x", 0) + data(b"y"), MALFORMED),
    ("8.1.1", "no content where some is declared", headers(head("POST", "/echo", ("content-length", "1"))), MALFORMED),
    ("8.1.1", "a length of 0 and the end", headers(head("POST", "/echo", ("content-length", "0"))), answer()),
    ("8.2.2", "te: trailers", get(1, "/", ("te", "trailers")), answer()),
    ("8.3", "a pseudo-header field in trailers", post() + headers(block((":path", "/"))), MALFORMED),
    ("8.3", "a pseudo-header field behind another", headers(block(("a", "b")) + head()), MALFORMED),
    ("8.3.1", "Host and no authority", headers(head("GET", "/", ("host", "x"), authority=None)), answer()),
    ("8.3.1", "neither authority nor Host", headers(head(authority=None)), answer()),
    ("8.3.1", "OPTIONS *", headers(head("OPTIONS", "*")), answer(204)),
    ("8.5", "CONNECT", headers(head("CONNECT", None, scheme=None, authority="x:80")), answer(501)),
    ("7541 2.3.3", "an index without an entry", headers(BASE + b"\xbe"), WRONG_BLOCK),
    ("7541 2.3.3", "a name index without an entry", headers(BASE + b"\x7f\0\1b"), WRONG_BLOCK),
    ("7541 2.3.3", "an entry that was added before", headers(BASE + b"\x40\1a\1b") + headers(BASE + b"\xbe", 3),
     answer(200, 1, 3)),
    ("7541 2.3.3", "an entry of a malformed request", headers(b"\x40\1a\1b") + headers(BASE + b"\xbe", 3), MALFORMED),
    ("7541 4.2", "a size update behind a field", headers(BASE + b"\x20"), WRONG_BLOCK),
    ("7541 4.2", "two size updates", headers(b"\x20\x3f\xe1\x1f" + BASE), answer()),
    ("7541 5.1", "a number without end", headers(b"\xff" + b"\x80" * 12 + b"\1"), WRONG_BLOCK),
    ("7541 5.2", "more padding than seven bits", headers(BASE + b"\0\x82\x1f\xff\1b"), WRONG_BLOCK),
    ("7541 5.2", "padding that is not of ones", headers(BASE + b"\0\x81\x18\1b"), WRONG_BLOCK),
    ("7541 5.2", "EOS", headers(BASE + b"\0\x84\xff\xff\xff\xff\1b"), WRONG_BLOCK),
    ("7541 6.1", "index 0", headers(b"\x80" + BASE), WRONG_BLOCK),
    ("7541 6.3", "a size over the limit", headers(b"\x3f\xe2\x1f" + BASE), WRONG_BLOCK),
    ("7541 6.3", "an entry lost by a size of 0", headers(BASE + b"\x40\1a\1b") + headers(b"\x20" + BASE + b"\xbe", 3),
     WRONG_BLOCK),
    ("9218 7.1", "a priority before its stream", priority_update(1) + priority_update(3, b"\0;=") + get(), answer()),
    ("9218 7.1", "PRIORITY_UPDATE on a stream", frame(PRIORITY_UPDATE, 0, 1, b"\0\0\0\1u=0"), BAD),
    ("9218 7.1", "PRIORITY_UPDATE of stream 0", priority_update(0), BAD),
    ("9218 7.1", "more priorities than streams", b"".join(priority_update(2 * n + 1) for n in range(101)), BAD),
    ("9110 10.1.1", "an unknown expectation", headers(head("POST", "/echo", ("expect", "x"))), answer(417)),
    ("9110 15.5.15", "a long target", get(1, "/" + "a" * 8192), answer(414)),
    ("9110 15.6.2", "an unknown method", headers(head("BREW")), answer(501)),
]
CASES += [("8.2.1", f"the field {name!r}: {value!r}", get(1, "/", (name, value)), MALFORMED) for name, value in [
    ("", "x"), ("A", "x"), ("a b", "x"), ("a:b", "x"), ("a\0", "x"), ("a\x80", "x"), ("a", " x"), ("a", "x\t"),
    ("a", "\0"), ("a", "x\ny"), ("a", "x\ry"), ("connection", "close"), ("keep-alive", "x"), ("proxy-connection", "x"),
    ("transfer-encoding", "chunked"), ("upgrade", "x"), ("te", "gzip"), ("content-length", "+1"), ("host", "other"),
]]
CASES += [("8.3.1", what, headers(wrong), MALFORMED) for what, wrong in [
    ("no method", head(None)), ("no scheme", head(scheme=None)), ("no path", head(path=None)),
    ("an empty authority", head(authority="")),
    ("user information", head(authority="u@x")), ("two paths", block((":path", "/")) + head()),
    ("a pseudo-header field of a response", head() + block((":status", "200"))),
    ("an unknown one", block((":a", "b")) + head()), ("an empty path", head(path="")),
    ("a path without a slash", head(path="a")), ("an absolute path", head(path="http://x/")),
    ("* for GET", head(path="*")), ("CONNECT with a path", head("CONNECT", "/", scheme=None)),
    ("CONNECT without a port", head("CONNECT", None, scheme=None)),
]]


def run(address, sent, judge, how):
    parts = sent if isinstance(sent, list) else [sent]
    with Connection(address) as connection:
        if how == "behind the preface":
            connection.send(PREFACE + settings() + parts[0])
        else:
            connection.open()
            connection.send(parts[0], max(1, len(parts[0]) // 500) if how == "in small pieces" else None)
        for part in parts[1:]:
            connection.wait(lambda: connection.ended)
            connection.send(part)
        judge(connection)


# Checks in several steps


def moves_windows_below_zero(address):
    """6.9.2: the server waits until a window that a setting has made negative is positive."""
    with Connection(address) as connection:
        connection.open((INITIAL_WINDOW, 1000))
        connection.send(get(1, "/"))
        for sent, length in [
            (b"", 1000), (settings((INITIAL_WINDOW, 100)), 1000), (window(1, 900), 1000), (window(1, 1), 1001),
            (settings((INITIAL_WINDOW, 0)), 1001), (settings((INITIAL_WINDOW, 150)), 1051),
        ]:
            connection.send(sent)
            connection.wait(lambda: len(connection.content.get(1, b"")) >= length)
            connection.settle()
            assert len(connection.content[1]) == length, (sent, len(connection.content[1]))
        connection.send(settings((INITIAL_WINDOW, 65535)))
        answer()(connection)
        assert int(connection.fields[1]["content-length"]) == len(connection.content[1])


def keeps_to_the_table_it_is_given(address):
    """RFC 7541 4.2, for our encoder: it has to signal the smallest of several sizes."""
    with Connection(address) as connection:
        connection.open()
        for number, sizes in enumerate([[0], [4096], [100], [65536], [0, 4096], [4096]]):
            connection.send(b"".join(settings((TABLE_SIZE, size)) for size in sizes))
            connection.decoder.max_allowed_table_size = sizes[-1]
            streams = 4 * number + 1, 4 * number + 3
            for stream in streams:
                connection.send(get(stream))
            answer(200, *streams)(connection)
            assert all(connection.fields[stream]["content-length"] == "13" for stream in streams)


def wants_the_preface(address):
    """3.4: the server refuses HTTP/2 with an invalid preface or another first frame."""
    for place in range(len(PREFACE)):
        with Connection(address) as connection:
            connection.send(PREFACE[:place] + bytes([PREFACE[place] ^ 1]) + PREFACE[place + 1:] + settings())
            if place < len("PRI * HTTP/2.0\r\n"):
                assert re.match(rb"HTTP/1\.1 [45]\d\d ", connection.socket.recv(65536)), place
            else:
                BAD(connection)
    for first in [get(), frame(SETTINGS, ACK), ping(), frame(UNKNOWN)]:
        with Connection(address) as connection:
            connection.send(PREFACE + first + settings())
            BAD(connection)


def takes_an_upgrade_only_where_it_is_made_rightly(address):
    """RFC 7540 3.2: the server answers an invalid upgrade over HTTP/1."""
    named, upgrade, offer = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"
    body = "Content-Length: 1"
    for switches, version, *lines in [
        (True, "1.1", named, upgrade, offer), (True, "1.1", named, "Upgrade: other, H2C", offer),
        (False, "1.1", upgrade, offer), (False, "1.0", named, upgrade, offer),
        (False, "1.1", named, upgrade), (False, "1.1", named, upgrade, offer, offer),
        (False, "1.1", named, "Upgrade: h2", offer), (False, "1.1", "Connection: Upgrade", upgrade, offer),
        (False, "1.1", "Connection: HTTP2-Settings", upgrade, offer), (False, "1.1", named, upgrade, offer, body),
        (False, "1.1", named, upgrade, offer + "="), (False, "1.1", named, upgrade, offer[:-2] + "//"),
        (False, "1.1", named, upgrade, offer[:-1]), (False, "1.1", named, upgrade, offer[:-3]),
        (False, "1.1", named + ", close", upgrade, offer),
    ]:
        with Connection(address) as connection:
            content = "x" if body in lines else ""
            text = "\r\n".join([f"GET /plaintext HTTP/{version}", "Host: x", *lines, "", content]).encode()
            connection.send(text + (PREFACE + settings() + get(3) if switches else b""))
            first = b""
            while not first.endswith(b"\r\n\r\n"):
                first += connection.socket.recv(1)
            assert first.startswith(b"HTTP/1.1 101 " if switches else b"HTTP/1.1 200 "), (lines, first)
            if switches:
                answer(200, 1, 3)(connection)


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    address = url.hostname, url.port
    for section, what, sent, judge in CASES:
        for how in ["behind the preface", "in one piece", "in small pieces"]:
            try:
                run(address, sent, judge, how)
            except (AssertionError, OSError, hpack.HPACKError) as error:
                sys.exit(f"{section}: {what}, {how}: {error!r}")
    checks = [moves_windows_below_zero, keeps_to_the_table_it_is_given, wants_the_preface,
              takes_an_upgrade_only_where_it_is_made_rightly]
    for check in checks:
        try:
            check(address)
        except (AssertionError, OSError, hpack.HPACKError) as error:
            sys.exit(f"{check.__name__}: {error!r}")
    print(f"{len(CASES)} cases in three ways, and {len(checks)} checks, frame by frame")


if __name__ == "__main__":
    main()
