"""Exchanges header blocks with our decoder and encoder, through the program in Peer.swift.

The other end is the package hpack from PyPI, which is independent of ours. All choices come from a seed, which the script
prints when a result differs.
"""

import random
import subprocess
import sys

import hpack
from hpack.struct import NeverIndexedHeaderTuple

CONNECTIONS = 400
BLOCKS = 20
MUTATED_BLOCKS = 20_000

NAMES = [b":authority", b":method", b":path", b":scheme", b":status", b"accept-encoding", b"authorization",
         b"cache-control", b"content-length", b"content-type", b"cookie", b"date", b"etag", b"server", b"set-cookie",
         b"x-request-id", b"x-frame-options", b"traceparent", b"a", b""]
VALUES = [b"", b"GET", b"POST", b"/", b"/index.html", b"http", b"https", b"200", b"404", b"gzip, deflate", b"no-cache",
          b"text/html; charset=utf-8", b"Mon, 21 Oct 2013 20:13:21 GMT", b"0123456789" * 40, "größer".encode(),
          bytes(range(256))]
SIZES = [0, 1, 31, 32, 64, 100, 256, 1000, 4095, 4096, 65536]


class Peer:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, request):
        self.process.stdin.write(request + "\n")

    def ask(self, request):
        self.tell(request)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the peer ended with {self.process.wait()} at: {request}")
        return answer.strip()

    def encode(self, lines):
        words = [f"{name.hex()}:{value.hex()}:{int(sensitive)}" for name, value, sensitive in lines]
        return bytes.fromhex(self.ask(" ".join(["encode", *words])))

    def decode(self, block):
        """The lines of the block, or the error."""
        answer = self.ask(f"decode {block.hex()}")
        if answer.startswith("error"):
            return answer
        lines = [word.split(":") for word in answer.split()]
        return [(bytes.fromhex(name), bytes.fromhex(value), sensitive == "1") for name, value, sensitive in lines]


def random_line(source):
    if source.random() < 0.1:
        name = source.randbytes(source.randrange(40)).lower()
        value = source.randbytes(source.choice([0, 5, 50, 500]))
    else:
        name = source.choice(NAMES)
        value = source.choice(VALUES) if source.random() < 0.7 else str(source.randrange(15)).encode()
    return name, value, source.random() < 0.1


def random_lines(source):
    return [random_line(source) for _ in range(source.choice([0, 1, 4, 4, 8, 8, 30]))]


def random_sizes(source):
    return source.choices(SIZES, k=source.choice([0, 0, 0, 1, 2]))


def theirs(decoder, block):
    lines = decoder.decode(block, raw=True)
    return [(bytes(line[0]), bytes(line[1]), isinstance(line, NeverIndexedHeaderTuple)) for line in lines]


def new_decoder():
    decoder = hpack.Decoder()
    decoder.max_header_list_size = 1 << 30
    return decoder


def expect(seed, what, found, expected):
    if found != expected:
        raise SystemExit(f"check-hpack: seed {seed}: {what}\n  found    {found}\n  expected {expected}")


def exchange(peer, seed):
    """Exchanges the blocks of one connection, both ways, while either end changes its settings."""
    source = random.Random(seed)
    encoder, decoder, mirror = hpack.Encoder(), new_decoder(), new_decoder()
    peer.tell("reset")
    for _ in range(BLOCKS):
        # Our settings change their encoder's limit at most once between two blocks: their encoder forgets the first of
        # two changes if the second keeps the size.
        for encoder_limit in random_sizes(source)[:1]:
            peer.tell(f"decoder-limit {encoder_limit}")
            encoder.header_table_size = mirror.max_allowed_table_size = encoder_limit
        # Their limit for our encoder: their decoder demands that the next block signals it.
        for size in random_sizes(source):
            peer.tell(f"encoder-limit {size}")
            decoder.max_allowed_table_size = size
        # An empty block has no place for size updates.
        lines = random_lines(source) or [(b":status", b"200", False)]
        block = encoder.encode(lines, huffman=source.random() < 0.5)
        # Their encoder may send sensitive fields as an index, so a decoder of theirs gives the expected lines.
        expect(seed, f"their block {block.hex()}", peer.decode(block), theirs(mirror, block))

        lines = random_lines(source) or [(b":status", b"200", False)]
        block = peer.encode(lines)
        found = theirs(decoder, block)
        expect(seed, f"our block {block.hex()}", [line[:2] for line in found], [line[:2] for line in lines])
        secrets = {b"authorization", b"cookie", b"proxy-authorization", b"set-cookie"}
        sensitive = [line[2] or line[0] in secrets for line in lines]
        expect(seed, f"our block {block.hex()}, its sensitive fields", [line[2] for line in found], sensitive)


def mutate(source, block):
    block = bytearray(block)
    for _ in range(source.randrange(1, 4)):
        index = source.randrange(len(block) + 1)
        kind = source.randrange(4)
        if kind == 0:
            block.insert(index, source.randrange(256))
        elif kind == 1:
            block[index:index + 1] = source.randbytes(1)
        elif kind == 2:
            del block[index:index + 1]
        else:
            del block[index:]
    return bytes(block)


def compare_judgement(peer, seed):
    """Decodes a possibly invalid block: both decode the same fields, or both refuse it."""
    source = random.Random(seed)
    block = mutate(source, hpack.Encoder().encode(random_lines(source), huffman=source.random() < 0.7))
    peer.tell("reset")
    ours = peer.decode(block)
    try:
        expected = theirs(new_decoder(), block)
    except hpack.HPACKError as error:
        expected = f"error: {error}"
    if isinstance(ours, str) and isinstance(expected, str):
        return "refused"
    expect(seed, f"a mutated block {block.hex()}", ours, expected)
    return "taken"


def main():
    peer = Peer(sys.argv[1])
    for seed in range(CONNECTIONS):
        exchange(peer, seed)
    judgements = [compare_judgement(peer, seed) for seed in range(MUTATED_BLOCKS)]
    print(f"check-hpack: {CONNECTIONS * BLOCKS} blocks each way are the same to us and to hpack {hpack.__version__};")
    refused = judgements.count("refused")
    print(f"check-hpack: of {MUTATED_BLOCKS} mutated ones both refuse {refused}, and take the others for the same")


main()
