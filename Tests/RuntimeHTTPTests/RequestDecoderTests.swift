import Testing

@testable import RuntimeHTTP

@Suite struct RequestDecoderTests {
  @Test func `a request without content is a head and an end`() {
    #expect(decode("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == [.head("GET / HTTP/1.1\nHost: a"), .end()])
  }

  @Test(arguments: [
    ("9112 2.2: empty lines before the request line are skipped", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /"),
    ("9112 2.3: a later minor version is treated as 1.1", "GET / HTTP/1.9\r\nHost: a\r\n\r\n", "GET /"),
    ("9112 3.2.1: origin-form", "GET /a/b?c=d&e HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a/b?c=d&e"),
    ("9112 3.2.2: absolute-form", "GET http://b:80/c?d HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://b:80/c?d"),
    ("9112 3.2.2: absolute-form without a path", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://b"),
    ("9112 3.2.3: authority-form", "CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT b:443"),
    ("9112 3.2.4: asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS *"),
  ])
  func `request lines are decoded`(_ name: String, _ bytes: String, _ expected: String) {
    #expect(decode(bytes) == [.head("\(expected) HTTP/1.1\nHost: a"), .end()], "\(name)")
  }

  @Test(arguments: [
    ("9110 5.5: blanks around a value are not part of it", "Host: \t a \t\r\n", "Host: a"),
    ("9110 5.5: a tab within a value", "Host: a\r\nX: a\tb\r\n", "Host: a\nX: a\tb"),
    ("9110 5.5: bytes beyond ASCII", "Host: a\r\nX: é\r\n", "Host: a\nX: é"),
    ("9110 5.1: any token is a name", "Host: a\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n", "Host: a\n!#$%&'*+-.^_`|~09azAZ: b"),
    ("9110 5.3: a name may come twice", "Host: a\r\nX: 1\r\nx: 2\r\n", "Host: a\nX: 1\nx: 2"),
    ("9110 7.2: an IPv6 host", "Host: [::1]:80\r\n", "Host: [::1]:80"),
    ("9110 7.2: an escaped host", "Host: a%20b\r\n", "Host: a%20b"),
  ])
  func `header fields are decoded`(_ name: String, _ fields: String, _ expected: String) {
    #expect(decode("GET / HTTP/1.1\r\n\(fields)\r\n") == [.head("GET / HTTP/1.1\n\(expected)"), .end()], "\(name)")
  }

  @Test func `an HTTP 1_0 request needs no Host`() {
    #expect(decode("GET / HTTP/1.0\r\n\r\n") == [.head("GET / HTTP/1.0"), .end()])
  }

  @Test func `9112 6_3 - content with a length is decoded`() {
    #expect(
      decode("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        == [.head("POST / HTTP/1.1\nHost: a\nContent-Length: 5"), .body("hello"), .end()])
  }

  @Test func `9112 7_1 - content in chunks is decoded, with extensions and trailers`() {
    let bytes =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
      + "5\r\nhello\r\n00001;a;b=c ; d = \"e\\\"\\;\"\r\n \r\nA\r\n0123456789\r\n000\r\nX: y\r\nHost: no\r\n\r\n"
    #expect(
      decode(bytes)
        == [
          .head("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked"), .body("hello 0123456789"),
          .end(trailers: "X: y"),
        ])
  }

  @Test func `9112 9_3_2 - the requests of a pipeline are decoded`() {
    let one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    let two = "PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    let three = "PUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"
    #expect(
      decode(one + two + "\r\n" + three + one)
        == [
          .head("GET /1 HTTP/1.1\nHost: a"), .end(),
          .head("PUT /2 HTTP/1.1\nHost: a\nContent-Length: 3"), .body("abc"), .end(),
          .head("PUT /3 HTTP/1.1\nHost: a\nTransfer-Encoding: chunked"), .body("def"), .end(),
          .head("GET /1 HTTP/1.1\nHost: a"), .end(),
        ])
  }

  @Test(arguments: [
    ("9112 2.2: a bare LF does not end a line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("9112 2.2: a bare LF before the request line", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("9112 2.2: blanks before the request line", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("9112 2.2: too many empty lines", String(repeating: "\r\n", count: 9), 400),
    ("9112 2.2: a bare CR is refused before its line ends", "GET / HTTP/1.1\rHost", 400),
    ("9112 2.2: a NUL is refused before its line ends", "GET /\0", 400),
    ("9112 2.3: a version in lower case", "GET / http/1.1\r\n", 400),
    ("9112 2.3: a version without a minor number", "GET / HTTP/1\r\n", 400),
    ("9112 2.3: a version of two digits", "GET / HTTP/1.10\r\n", 400),
    ("9112 2.3: no version", "GET /\r\n", 400),
    ("9112 2.3: a request line with HTTP/2.0", "PRI * HTTP/2.0\r\n", 505),
    ("9112 2.3: HTTP/0.9", "GET / HTTP/0.9\r\n", 505),
    ("9112 2.3: a NUL is reported before the version, however the line is split", "GET /a\0b HTTP/0.9\r\n", 400),
    ("9112 3: two spaces before the target", "GET  / HTTP/1.1\r\n", 400),
    ("9112 3: two spaces after the target", "GET /  HTTP/1.1\r\n", 400),
    ("9112 3: a space at the end", "GET / HTTP/1.1 \r\n", 400),
    ("9112 3: tabs instead of spaces", "GET\t/\tHTTP/1.1\r\n", 400),
    ("9112 3: a space in the target", "GET /a b HTTP/1.1\r\n", 400),
    ("9112 3: no target", "GET HTTP/1.1\r\n", 400),
    ("9112 3.1: no method", " / HTTP/1.1\r\n", 400),
    ("9112 3.1: a method that is not a token", "G(T / HTTP/1.1\r\n", 400),
    ("9112 3.1: a method that is much too long", String(repeating: "M", count: 25) + " / HTTP/1.1\r\n", 501),
    ("9112 3.2.4: an asterisk for a custom method", "BREW * HTTP/1.1\r\n", 400),
    ("9112 3.2: a fragment", "GET /a#b HTTP/1.1\r\n", 400),
    ("9112 3.2: a target beyond ASCII", "GET /é HTTP/1.1\r\n", 400),
    ("9112 3.2: a control character in the target", "GET /\u{7F} HTTP/1.1\r\n", 400),
    ("9112 3.2.1: a path that does not begin with a slash", "GET a HTTP/1.1\r\n", 400),
    ("9112 3.2.2: an absolute target without a host", "GET http:///a HTTP/1.1\r\n", 400),
    ("9110 4.2.4: user information", "GET http://u@a/ HTTP/1.1\r\n", 400),
    ("9112 3.2.3: authority-form is only for CONNECT", "GET a:80 HTTP/1.1\r\n", 400),
    ("9112 3.2.3: CONNECT requires authority-form", "CONNECT / HTTP/1.1\r\n", 400),
    ("9112 3.2.3: CONNECT needs a port", "CONNECT a HTTP/1.1\r\n", 400),
    ("9112 3.2.4: asterisk-form is only for OPTIONS", "GET * HTTP/1.1\r\n", 400),
  ])
  func `malformed request lines are refused`(_ name: String, _ bytes: String, _ status: Int) {
    #expect(decode(bytes) == [.error(status)], "\(name)")
  }

  @Test(arguments: [
    ("9112 3.2: no Host", "X: y\r\n\r\n", 400),
    ("9112 3.3: an empty Host", "Host: \r\n\r\n", 400),
    ("9112 3.2: two Hosts", "Host: a\r\nHost: a\r\n\r\n", 400),
    ("9112 3.2: a Host with a path", "Host: a/b\r\n\r\n", 400),
    ("9112 3.2: a Host with a user", "Host: u@a\r\n\r\n", 400),
    ("9112 3.2: a Host with blanks", "Host: a b\r\n\r\n", 400),
    ("9112 3.2: two Hosts in one field", "Host: a, b\r\n\r\n", 400),
    ("9112 3.2: a port that is not a number", "Host: a:b\r\n\r\n", 400),
    ("9112 3.2: a port that is too large", "Host: a:65536\r\n\r\n", 400),
    ("9112 3.2: a bad escape", "Host: a%2\r\n\r\n", 400),
    ("9112 3.2: an unclosed bracket", "Host: [::1\r\n\r\n", 400),
    ("9112 5: no colon", "Host: a\r\nfoo\r\n", 400),
    ("9112 5: no name", "Host: a\r\n: b\r\n", 400),
    ("9112 5.1: a blank before the colon", "Host : a\r\n", 400),
    ("9112 5.1: a tab before the colon", "Content-Length\t: 5\r\n", 400),
    ("9112 5.2: a folded line", "Host: a\r\nX: a\r\n b\r\n", 400),
    ("9112 5.2: a fold after the request line", " Host: a\r\n", 400),
    ("9110 5.1: a name that is not a token", "X(Y: a\r\n", 400),
    ("9110 5.1: a name beyond ASCII", "é: a\r\n", 400),
    ("9110 5.5: a bare CR in a value", "X: a\rb\r\n", 400),
    ("9110 5.5: two CRs at the end of a line", "X: a\r\r\n", 400),
    ("9110 5.5: a bare LF after a value", "X: a\nb\r\n", 400),
    ("9110 5.5: a NUL in a value", "X: a\0b\r\n", 400),
    ("9110 5.5: a control character in a value", "X: abcdefghijklmnop\u{1}\r\n", 400),
    ("9110 5.5: a DEL in a value", "X: abcdefgh\u{7F}ijklmnop\r\n", 400),
    ("9112 6.1: a length and an encoding", "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("9112 6.1: an encoding and a length", "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
    ("9112 6.1: an unknown coding", "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("9112 6.1: identity is no longer a coding", "Host: a\r\nTransfer-Encoding: identity\r\n\r\n", 501),
    ("9112 6.1: chunked twice", "Host: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400),
    (
      "9112 6.1: chunked in two fields", "Host: a\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
      400
    ),
    ("9112 6.3: chunked not last", "Host: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
    ("9112 6.1: an encoding that is not a token", "Host: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 400),
    ("9112 6.1: an encoding with a parameter", "Host: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", 400),
    ("9112 6.1: an empty encoding", "Host: a\r\nTransfer-Encoding:\r\n\r\n", 400),
    ("9112 6.1: an encoding like chunked", "Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
    ("9112 6.3: two lengths that differ", "Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
    ("9112 6.3: two lengths that agree", "Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
    ("9112 6.3: two lengths in one field", "Host: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
    ("9110 8.6: a length with a sign", "Host: a\r\nContent-Length: +5\r\n\r\n", 400),
    ("9110 8.6: a negative length", "Host: a\r\nContent-Length: -0\r\n\r\n", 400),
    ("9110 8.6: a hexadecimal length", "Host: a\r\nContent-Length: 0x5\r\n\r\n", 400),
    ("9110 8.6: an empty length", "Host: a\r\nContent-Length:\r\n\r\n", 400),
    ("9110 8.6: a length with a blank", "Host: a\r\nContent-Length: 1 2\r\n\r\n", 400),
    ("9110 8.6: a length beyond 64 bits", "Host: a\r\nContent-Length: 18446744073709551617\r\n\r\n", 400),
    ("9110 10.1.1: an unknown expectation", "Host: a\r\nExpect: wonders\r\n\r\n", 417),
    ("9110 10.1.1: an unknown expectation after a known one", "Host: a\r\nExpect: 100-continue, wonders\r\n\r\n", 417),
  ])
  func `malformed heads are refused`(_ name: String, _ fields: String, _ status: Int) {
    #expect(decode("POST / HTTP/1.1\r\n" + fields) == [.error(status)], "\(name)")
  }

  @Test func `9112 6_1 - an encoding in HTTP 1_0 is refused`() {
    #expect(decode("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == [.error(400)])
  }

  @Test(arguments: [
    ("9112 7.1: a size that is not a number", "x\r\n", 400),
    ("9112 7.1: no size", "\r\n", 400),
    ("9112 7.1: a size with a prefix", "0x5\r\nhello\r\n", 400),
    ("9112 7.1: a size with a sign", "-5\r\n", 400),
    ("9112 7.1: a blank before the size", " 5\r\n", 400),
    ("9112 7.1: a blank after the size", "5 \r\n", 400),
    ("9112 7.1: a size of 64 bits", "FFFFFFFFFFFFFFFF\r\n", 400),
    ("9112 7.1: a size of 68 bits", "10000000000000005\r\n", 400),
    ("9112 7.1: a bare LF after the size", "5\nhello\r\n", 400),
    ("9112 7.1.1: an extension without a name", "5;\r\n", 400),
    ("9112 7.1.1: an extension without a value", "5;a=\r\n", 400),
    ("9112 7.1.1: an unclosed string", "5;a=\"b\r\n", 400),
    ("9112 7.1.1: a bare LF in an extension", "5;a\nb\r\n", 400),
    ("9112 7.1.1: an extension without an end", "5;" + String(repeating: "a", count: 1100), 400),
  ])
  func `malformed chunks are refused`(_ name: String, _ chunks: String, _ status: Int) {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(decode(head + chunks).last == .error(status), "\(name)")
    #expect(decode(head + chunks).count == 2, "\(name)")
  }

  @Test(arguments: ["5\r\nhelloX\r\n", "5\r\nhello\n", "5\r\nhello\r\r\n", "5\r\nhello0\r\n\r\n"])
  func `9112 7_1 - a chunk that does not end where its size says is refused`(_ chunks: String) {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(decode(head + chunks).dropFirst() == [.body("hello"), .error(400)])
  }

  @Test(arguments: ["X : a\r\n", " X: a\r\n", "X: a\n", "X\r\n"])
  func `9112 7_1_2 - malformed trailers are refused`(_ trailers: String) {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    #expect(decode(head + trailers).dropFirst() == [.error(400)])
  }

  @Test(arguments: [
    ("9110 15.5.15: a long request line", "GET /\(String(repeating: "a", count: 100)) HTTP/1.1\r\n", 414),
    ("9110 15.5.15: a request line without an end", "GET /\(String(repeating: "a", count: 100))", 414),
    ("9112 3: a long method", "\(String(repeating: "A", count: 80)) / HTTP/1.1\r\n", 400),
    ("9112 3: a method without an end", String(repeating: "A", count: 81), 400),
    ("6585 5: a long field", "GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 200))\r\n", 431),
    ("6585 5: a field without an end", "GET / HTTP/1.1\r\nX: \(String(repeating: "a", count: 200))", 431),
    (
      "6585 5: long fields",
      "GET / HTTP/1.1\r\n\(String(repeating: "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", count: 5))", 431
    ),
    ("6585 5: many fields", "GET / HTTP/1.1\r\n\(String(repeating: "X:\r\n", count: 11))", 431),
    ("9110 15.5.14: a long body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n", 413),
  ])
  func `messages beyond a limit are refused`(_ name: String, _ bytes: String, _ status: Int) {
    #expect(decode(bytes, options: small) == [.error(status)], "\(name)")
  }

  @Test func `chunks and trailers beyond a limit are refused`() {
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    #expect(
      decode(head + "A\r\n0123456789\r\nB\r\n", options: small).dropFirst() == [.body("0123456789"), .error(413)])
    #expect(decode(head + "0\r\n" + String(repeating: "X:\r\n", count: 11), options: small).last == .error(431))
    #expect(decode(head + "0\r\n" + String(repeating: "Te:\r\n", count: 11), options: small).last == .error(431))
    #expect(decode(head + "0\r\nX: \(String(repeating: "a", count: 200))\r\n", options: small).last == .error(431))
  }

  @Test func `a message exactly at a limit is accepted`() {
    let line = "GET /\(String(repeating: "a", count: 50)) HTTP/1.1"
    var options = small
    options.maximumRequestLineLength = line.utf8.count
    #expect(decode("\(line)\r\nHost: a\r\n\r\n", options: options).last == .end())
    options.maximumRequestLineLength -= 1
    #expect(decode("\(line)\r\nHost: a\r\n\r\n", options: options).last == .error(414))
    let body = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789"
    #expect(decode(body, options: small).last == .end())
  }

  private var small: ServerOptions {
    var options = ServerOptions()
    options.maximumRequestLineLength = 80
    options.maximumHeadLength = 160
    options.maximumFieldCount = 10
    options.maximumBodyLength = 20
    return options
  }

  @Test(arguments: [
    ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
    ("HTTP/1.1", "Connection: x, CLOSE ,y\r\n", false),
    ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
    ("HTTP/1.1", "Connection: closed\r\n", true), ("HTTP/1.0", "", false),
    ("HTTP/1.0", "Connection: Keep-Alive\r\n", true), ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
  ])
  func `9112 9_3 - the version and the Connection field decide whether a connection persists`(
    _ version: String, _ fields: String, _ expected: Bool
  ) throws {
    let decoder = try head("GET / \(version)\r\nHost: a\r\n\(fields)\r\n")
    #expect(decoder.framing.keepAlive == expected)
  }

  @Test(arguments: [
    ("HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n", true),
    ("HTTP/1.1", "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", true),
    ("HTTP/1.1", "Expect: 100-continue,, 100-continue\r\nContent-Length: 1\r\n", true),
    ("HTTP/1.1", "Expect: 100-continue\r\nExpect:\r\nContent-Length: 1\r\n", true),
    ("HTTP/1.1", "Expect:\r\nContent-Length: 1\r\n", false),
    ("HTTP/1.1", "Expect: 100-continue\r\n", false),
    ("HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n", false),
    ("HTTP/1.1", "Content-Length: 1\r\n", false),
  ])
  func `9110 10_1_1 - the Expect field decides whether a client waits for 100`(
    _ version: String, _ fields: String, _ expected: Bool
  ) throws {
    let decoder = try head("PUT / \(version)\r\nHost: a\r\n\(fields)\r\n")
    #expect(decoder.framing.expectsContinue == expected)
  }

  private func head(_ text: String) throws -> RequestDecoder {
    var decoder = RequestDecoder(limits: MessageLimits(ServerOptions()))
    var position = 0
    #expect(try decoder.next(Array(text.utf8).span, at: &position) == .head)
    return decoder
  }

  @Test func `malformed input does not crash the decoder, and decodes the same however it is split`() {
    var generator = SeededGenerator(state: 2026)
    let seeds = [
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "PUT /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n",
      "PUT /a HTTP/1.0\r\nContent-Length: 4\r\n\r\nbodyGET / HTTP/1.1\r\nHost: b\r\n\r\n",
    ]
    let interesting = Array("\r\n\0 :;,/=\t05afGH\u{7F}".utf8) + [0x80, 0xFF]
    for _ in 0..<400 {
      var bytes = Array(seeds.randomElement(using: &generator)?.utf8 ?? "".utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = bytes.indices.randomElement(using: &generator) ?? 0
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes.remove(at: index)
        case 1: bytes[index] = interesting.randomElement(using: &generator) ?? 0
        default: bytes.insert(interesting.randomElement(using: &generator) ?? 0, at: index)
        }
      }
      _ = decode(bytes)
    }
  }
}

/// The generator SplitMix64, which gives the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
