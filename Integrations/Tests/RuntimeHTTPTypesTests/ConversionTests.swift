import HTTPTypes
import RuntimeHTTP
import RuntimeHTTPTypes
import Testing

@Suite struct ConversionTests {
  /// "café" in ISO 8859-1, which is not valid UTF-8.
  private static let latin1: [UInt8] = [0x63, 0x61, 0x66, 0xE9]

  @Test func `fields keep their order, duplicates, spelling and bytes in both conversions`() throws {
    var fields: HeaderFields = ["Set-Cookie": "a=1", "X-One": "", "set-cookie": "b=2", "COOKIE": "c=3; d=4"]
    try fields.append("X-Name", bytes: Self.latin1.span)
    let converted = try HTTPFields(fields)
    #expect(converted.map(\.name.rawName) == ["Set-Cookie", "X-One", "set-cookie", "COOKIE", "X-Name"])
    #expect(converted[values: .setCookie] == ["a=1", "b=2"])
    #expect(converted[3].value == "c=3; d=4")
    #expect(converted[4].withUnsafeBytesOfValue { Array($0) } == Self.latin1)
    let back = try HeaderFields(converted)
    #expect(back.map(\.name) == fields.map(\.name))
    var values: [[UInt8]] = []
    back.forEachField { _, value in values.append(value.withUnsafeBufferPointer(Array.init)) }
    #expect(values == [Array("a=1".utf8), [], Array("b=2".utf8), Array("c=3; d=4".utf8), Self.latin1])
  }

  @Test func `fields that one side cannot hold are refused`() throws {
    var many = HeaderFields()
    for _ in 0..<65_534 { try many.append("A", "") }
    #expect(try HTTPFields(many).count == 65_534)
    try many.append("A", "")
    #expect(throws: UnrepresentableMessage.self) { try HTTPFields(many) }
    let name = try #require(HTTPField.Name("X"))
    #expect(throws: InvalidHeaderField.self) {
      try HeaderFields(HTTPFields(CollectionOfOne(HTTPField(name: name, lenientValue: [0x61, 0x01]))))
    }
    let longName = try #require(HTTPField.Name(String(repeating: "n", count: 65_536)))
    #expect(throws: InvalidHeaderField.self) { try HeaderFields([longName: "1"] as HTTPFields) }
  }

  struct Target: Sendable, CustomTestStringConvertible {
    var method: RuntimeHTTP.Method = .get
    var text: String
    var scheme: String? = "https"
    var authority: String? = "h:1"
    var path: String?
    var testDescription: String { text }
  }

  @Test(arguments: [
    Target(text: "/a%20b?c=d?e", path: "/a%20b?c=d?e"),
    Target(text: "/a://b", path: "/a://b"),
    Target(method: .options, text: "*", path: "*"),
    Target(text: "http://o/x?y", scheme: "http", authority: "o", path: "/x?y"),
    Target(text: "http://o?y", scheme: "http", authority: "o", path: "/?y"),
    Target(text: "http://o", scheme: "http", authority: "o", path: "/"),
    Target(method: .connect, text: "o:443", scheme: nil, authority: "o:443", path: nil),
  ])
  func `a target becomes scheme, authority and path`(_ target: Target) throws {
    let request = Request(method: target.method, target: target.text, headers: ["A": "1", "host": "h:1", "B": "2"])
    let head = try HTTPRequest(request, scheme: "https")
    #expect(head.method.rawValue == target.method.name)
    #expect(head.scheme == target.scheme)
    #expect(head.authority == target.authority)
    #expect(head.path == target.path)
    #expect(head.headerFields.map(\.name.rawName) == ["A", "B"])
  }

  @Test func `an authority becomes the first field`() throws {
    let head = HTTPRequest(method: .post, scheme: "https", authority: "h", path: "/x?y", headerFields: [.accept: "*/*"])
    let request = try Request(head, body: RequestBody([1, 2]))
    #expect(request.method == .post && request.target == "/x?y" && request.body.length == 2)
    #expect(request.headers.map(\.name) == ["Host", "Accept"])
    #expect(request.authority == "h")
    #expect(try HTTPRequest(request, scheme: "https") == head)
    let connect = HTTPRequest(method: .connect, scheme: nil, authority: "h:1", path: nil)
    #expect(try HTTPRequest(Request(connect)) == connect)
  }

  @Test func `a second Host stays a field`() throws {
    let head = try HTTPRequest(Request(target: "/", headers: ["Host": "a", "host": "b"]))
    #expect(head.authority == "a")
    #expect(head.headerFields.map(\.value) == ["b"])
    #expect(try Request(head).headers.map(\.value) == ["b"])
  }

  @Test func `requests that one side cannot hold are refused`() throws {
    let long = try #require(HTTPRequest.Method("THE-LONGEST-METHOD-OF-ALL"))
    #expect(throws: UnrepresentableMessage.self) {
      try Request(HTTPRequest(method: long, scheme: nil, authority: nil, path: "/"))
    }
    for path in [nil, "", "/a b", "/é"] {
      #expect(throws: UnrepresentableMessage.self, "\(path ?? "none")") {
        try Request(HTTPRequest(method: .get, scheme: nil, authority: "h", path: path))
      }
    }
    var extended = HTTPRequest(method: .connect, scheme: "http", authority: "h", path: "/chat")
    extended.extendedConnectProtocol = "websocket"
    #expect(throws: UnrepresentableMessage.self) { try Request(extended) }
  }

  @Test func `responses convert both ways`() throws {
    let response = Response(status: .created, headers: ["Location": "/1", "X": "a", "x": "b"])
    let head = try HTTPResponse(response)
    #expect(head.status == .created && head.status.reasonPhrase == "Created")
    #expect(try Response(head).headers.description == response.headers.description)
    #expect(try Response(HTTPResponse(status: .init(code: 299, reasonPhrase: "Fine"))).status.code == 299)
    #expect(throws: UnrepresentableMessage.self) { try HTTPResponse(Response(status: RuntimeHTTP.Status(1000))) }
  }
}
