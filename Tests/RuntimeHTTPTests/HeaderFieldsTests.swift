import Testing

@testable import RuntimeHTTP

@Suite struct HeaderFieldsTests {
  @Test func `names are case-insensitive, and fields keep their order`() {
    var fields: HeaderFields = ["Accept": "a", "X": "1", "accept": "b"]
    #expect(fields["ACCEPT"] == "a")
    #expect(fields.values(for: "accept") == ["a", "b"])
    #expect(fields["Y"] == nil && !fields.contains("Y"))
    fields["ACCEPT"] = "c"
    #expect(fields.description == "ACCEPT: c\nX: 1")
    fields["Accept"] = nil
    #expect(fields == ["x": "1"])
    #expect(fields.count == 1)
  }

  @Test func `setting a field replaces the first field with its name and removes the others`() {
    var fields: HeaderFields = ["A": "1", "B": "2", "a": "3", "C": "4", "b": "5"]
    fields["b"] = "six"
    #expect(fields.map { "\($0.name)=\($0.value)" } == ["A=1", "b=six", "a=3", "C=4"])
    fields["A"] = nil
    #expect(fields.map { "\($0.name)=\($0.value)" } == ["b=six", "C=4"])
    #expect(fields.count == 2)
    fields.removeAll(keepingCapacity: true)
    fields["D"] = ""
    #expect(fields.map { "\($0.name)=\($0.value)" } == ["D="])
  }

  @Test func `a value that is not UTF-8 keeps its bytes`() throws {
    let latin1: [UInt8] = [0x63, 0x61, 0x66, 0xE9]
    var fields: HeaderFields = ["A": "1"]
    try fields.append("X-Name", bytes: latin1.span)
    try fields.append("a", "2")
    var seen: [[[UInt8]]] = []
    fields.forEachField { name, value in
      seen.append([name.withUnsafeBufferPointer(Array.init), value.withUnsafeBufferPointer(Array.init)])
    }
    #expect(seen == [[Array("A".utf8), [0x31]], [Array("X-Name".utf8), latin1], [Array("a".utf8), [0x32]]])
    #expect(fields["X-Name"] == "caf\u{FFFD}")
    #expect(throws: InvalidHeaderField.self) { try fields.append("X", bytes: [0x0A].span) }
    #expect(fields.count == 3)
  }

  @Test func `append refuses a field that would split a message`() {
    var fields = HeaderFields()
    #expect(throws: InvalidHeaderField.self) { try fields.append("A", "b\r\nC: d") }
    #expect(throws: InvalidHeaderField.self) { try fields.append("A", "b\0") }
    #expect(throws: InvalidHeaderField.self) { try fields.append("A: b\r\nC", "d") }
    #expect(throws: InvalidHeaderField.self) { try fields.append("", "d") }
    #expect(fields.isEmpty)
  }

  @Test func `the subscript and literals sanitize a field that would split a message`() {
    var fields: HeaderFields = ["A": "b\r\nC: d\0", "E\r\nF": "g"]
    #expect(fields == ["A": "b  C: d"])
    fields["H"] = "\u{1}i\t\n"
    #expect(fields["H"] == "i")
    fields[""] = "nothing"
    #expect(fields.count == 2)
  }

  @Test func `lengths and media types have typed properties`() {
    var fields: HeaderFields = ["Content-Length": "12", "Content-Type": "Text/HTML; Charset=\"utf-8\""]
    #expect(fields.contentLength == 12)
    #expect(fields.contentType == .html)
    fields.contentLength = nil
    fields.contentType = .json
    #expect(fields == ["Content-Type": "application/json"])
    fields["Content-Length"] = "-1"
    #expect(fields.contentLength == nil)
  }

  @Test(arguments: ["", "text", "text/", "/html", "text/html; a", "text/html; a=\"b", "text/html; a=b; A=c", "a b/c"])
  func `a malformed media type is nil`(_ text: String) { #expect(MediaType(text) == nil) }

  @Test func `a media type is written as it was read`() throws {
    let type = try #require(MediaType("multipart/form-data; boundary=\"a \\\"b\\\"\"; x=y"))
    #expect(type.parameters == ["boundary": "a \"b\"", "x": "y"])
    #expect(MediaType(type.description) == type)
    #expect(MediaType.plainText.description == "text/plain; charset=utf-8")
  }

  @Test func `a request gives the parts of its target`() {
    let origin = Request(target: "/a%20b?c=d?e", headers: ["Host": "h"])
    #expect(origin.path == "/a%20b" && origin.authority == "h" && Array(origin.queryBytes) == Array("c=d?e".utf8))
    let absolute = Request(target: "http://o:8?q", headers: ["Host": "h"])
    #expect(absolute.path == "/" && absolute.authority == "o:8" && Array(absolute.queryBytes) == Array("q".utf8))
    let asterisk = Request(method: .options, target: "*")
    #expect(asterisk.path == "*" && asterisk.authority == nil)
    let authority = Request(method: .connect, target: "o:443")
    #expect(authority.path == "" && authority.authority == "o:443")
  }
}
