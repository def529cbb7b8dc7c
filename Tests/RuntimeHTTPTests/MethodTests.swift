import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

@Suite struct MethodTests {
  @Test(arguments: ["", "G T", "GET ", "G(T", "GÉT", "GET\n", "GET/"])
  func whatIsNoTokenIsNoMethod(name: String) { #expect(Method(name) == nil) }

  @Test(arguments: ["PROPFIND", "QUERY", "PURGE", "get", "M-SEARCH", "UPDATEREDIRECTREF", "a!#$%&'*+-.^_`|~9"])
  func anyTokenIsAMethod(name: String) throws {
    let method = try #require(Method(name))
    #expect(method.name == name && "\(method)" == name && !method.isStandard)
    #expect(method == Method(token: Array(name.utf8).span) && method.hashValue == Method(name)?.hashValue)
    #expect(!Method.Standard.allCases.map { Method($0) }.contains(method))
  }

  @Test func theStandardOnesAreTheirNames() {
    for standard in Method.Standard.allCases {
      #expect(Method(standard.rawValue) == Method(standard))
      #expect(Method(token: Array(standard.rawValue.utf8).span) == Method(standard))
      #expect(Set(Method.Standard.allCases.map { Method($0) }).count == Method.Standard.allCases.count)
    }
    #expect(Method.get == "GET" && Method.get != "get" && Method.get != .head)
  }

  @Test func methodsAndVersionsAreSmall() {
    #expect(MemoryLayout<Method>.size <= 16)
    #expect(MemoryLayout<HTTPVersion>.size == 2)
  }

  @Test func versionsAreInOrder() {
    let versions: [HTTPVersion] = [.http1_0, .http1_1, .http2, HTTPVersion(major: 3, minor: 0)]
    #expect(versions.shuffled().sorted() == versions)
    #expect(versions.map(\.description) == ["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"])
  }

  @Test(arguments: Transport.allCases)
  func `a method of a client's own reaches the handler by HTTP/1`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text("\($0.method)") }) { client in
      for method in ["PROPFIND", "get"] {
        try await client.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.readResponse().text == method)
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `a method of a client's own reaches the handler by HTTP/2`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: { .text("\($0.method)") }) { client in
      for method in ["PROPFIND", "get"] {
        let stream = try await client.send(method, "/", ends: true)
        #expect(try await client.readResponse(on: stream).text == method)
      }
    }
  }
}
