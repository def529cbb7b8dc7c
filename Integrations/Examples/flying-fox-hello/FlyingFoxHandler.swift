import FlyingFox
import FlyingSocks
import Foundation
import Runtime
import RuntimeHTTP

/// Answers requests with a handler of FlyingFox, such as a table of its routes.
struct FlyingFoxHandler: Handler {
  let base: any HTTPHandler
  /// The maximum length in bytes of a request's content without a stated length.
  var collectedLength = 1024 * 1024

  func respond(to request: Request) async throws -> Response {
    let response: HTTPResponse
    do {
      response = try await base.handleRequest(await converted(request))
    } catch is HTTPUnhandledError {
      throw HTTPError(.notFound)
    }
    guard case .httpBody(let body) = response.payload else {
      throw HTTPError(.notImplemented, "WebSockets of FlyingFox need its own server.")
    }
    var headers = HeaderFields()
    for (name, value) in response.headers { try headers.append(name.rawValue, value) }
    let chunks = ResponseBody.stream(length: body.count) { writer in
      for try await data in body {
        // FlyingFox frames content of unknown length itself, a chunk at a time.
        try await writer.write(body.count == nil ? Self.content(ofChunk: data) : Array(data))
      }
    }
    return Response(status: Status(UInt16(response.statusCode.code)), headers: headers, body: chunks)
  }

  private func converted(_ request: Request) async throws -> HTTPRequest {
    let target = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    var headers = HTTPHeaders()
    for (name, value) in request.headers { headers.addValue(value, for: HTTPHeader(name)) }
    let body =
      if let length = request.body.length {
        HTTPBodySequence(from: ContentBytes(base: request.body), count: length)
      } else {
        // FlyingFox would frame content of unknown length.
        HTTPBodySequence(data: Data(try await request.body.collect(upTo: collectedLength)))
      }
    return HTTPRequest(
      method: HTTPMethod(rawValue: request.method.name),
      version: request.version < .http1_1 ? .init("HTTP/1.0") : .http11,
      target: HTTPRequest.Target(path: target[0], query: target.count > 1 ? target[1] : ""), headers: headers,
      body: body,
      remoteAddress: request.remoteAddress.map { HTTPRequest.Address($0) })
  }

  /// The content of a chunk: length in hexadecimal, CRLF, content, CRLF (RFC 9112 section 7.1).
  private static func content(ofChunk data: Data) throws -> [UInt8] {
    let end = data.firstIndex(of: UInt8(ascii: "\r")) ?? data.startIndex
    guard let length = Int(String(decoding: data[..<end], as: UTF8.self), radix: 16), data[end...].count == length + 4
    else { throw HTTPError(.internalServerError) }
    return Array(data[(end + 2)...].prefix(length))
  }
}

/// The content of a request in the form that FlyingFox reads: as it arrives, up to a number of bytes at a time.
private struct ContentBytes: AsyncBufferedSequence {
  typealias Element = UInt8

  let base: RequestBody

  struct AsyncIterator: AsyncBufferedIteratorProtocol {
    var base: RequestBody.Iterator
    var rest: ArraySlice<UInt8> = []

    mutating func next() async throws -> UInt8? { try await nextBuffer(suggested: 1)?.first }

    mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
      if rest.isEmpty {
        guard let chunk = try await base.next() else { return nil }
        rest = chunk[...]
      }
      let buffer = rest.prefix(Swift.max(1, count))
      rest.removeFirst(buffer.count)
      return buffer
    }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
}

extension HTTPRequest.Address {
  fileprivate init(_ address: Runtime.SocketAddress) {
    switch address {
    case .ipv4(let host, let port): self = .ip4(host.description, port: port)
    case .ipv6(let host, let port, _): self = .ip6(host.description, port: port)
    case .unix(let path): self = .unix(path)
    }
  }
}
