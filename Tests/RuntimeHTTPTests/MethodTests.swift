import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

@Suite struct MethodTests {
  @Test(arguments: ["", "G T", "GET ", "G(T", "GÉT", "GET\n", "GET/"])
  func `a name that is not a token is not a method`(name: String) { #expect(Method(name) == nil) }

  @Test(arguments: ["PROPFIND", "QUERY", "PURGE", "get", "M-SEARCH", "UPDATEREDIRECTREF", "a!#$%&'*+-.^_`|~9"])
  func `any token is a method`(name: String) throws {
    let method = try #require(Method(name))
    #expect(method.name == name && "\(method)" == name && !method.isStandard)
    #expect(method == Method(token: Array(name.utf8).span) && method.hashValue == Method(name)?.hashValue)
  }

  @Test func `the length of a name is limited`() {
    for length in [1, 7, 8, 9, 15, 16, 17, 23, 24] {
      let name = String(repeating: "M", count: length)
      #expect(Method(name)?.name == name)
      #expect(Method(name) != Method(name + "M") && Method(name) != Method("N" + name.dropFirst()))
    }
    #expect(Method(String(repeating: "M", count: 25)) == nil)
  }

  @Test func `the standard methods equal their names`() {
    let names = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
    #expect(Method.standard.map(\.name) == names)
    #expect(Method.standard == names.map { Method($0) })
    #expect(Method.get == "GET" && Method.get != "get" && Method.get != .head)
  }

  @Test func `versions are ordered`() {
    let versions: [HTTPVersion] = [.http1_0, .http1_1, .http2, HTTPVersion(major: 3, minor: 0)]
    #expect(versions.shuffled().sorted() == versions)
    #expect(versions.map(\.description) == ["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"])
  }

  @Test(arguments: Transport.allCases)
  func `a custom method reaches the handler over HTTP/1`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text("\($0.method)") }) { client in
      for method in ["PROPFIND", "get"] {
        try await client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.readResponse().text == method)
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `a custom method reaches the handler over HTTP/2`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: { .text("\($0.method)") }) { client in
      for method in ["PROPFIND", "get"] {
        let stream = try await client.send(method, "/", ends: true)
        #expect(try await client.readResponse(on: stream).text == method)
      }
    }
  }
}
