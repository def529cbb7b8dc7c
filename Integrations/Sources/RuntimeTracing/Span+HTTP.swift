import Runtime
import RuntimeHTTP
import Tracing

/// The attributes of OpenTelemetry's semantic conventions for HTTP servers.
extension Span {
  func describe(_ request: Request, _ scheme: String) {
    updateAttributes { attributes in
      let method = request.method
      attributes["http.request.method"] = method.isStandard ? method.name : "_OTHER"
      if !method.isStandard { attributes["http.request.method_original"] = method.name }
      attributes["url.scheme"] = scheme
      attributes["url.path"] = request.path
      let target = request.target
      if let mark = target.firstIndex(of: "?") {
        attributes["url.query"] = String(target[target.index(after: mark)...])
      }
      if let route = request.route { attributes["http.route"] = route }
      attributes["network.protocol.version"] =
        request.version.major < 2 ? "\(request.version.major).\(request.version.minor)" : "\(request.version.major)"
      if let address = request.remoteAddress {
        attributes["client.address"] = address.host
        if let port = address.port { attributes["client.port"] = Int(port) }
      }
      if let authority = request.authority { attributes["server.address"] = authority }
      if let agent = request.headers["User-Agent"] { attributes["user_agent.original"] = agent }
    }
  }

  func describe(_ response: Response) {
    let status = response.status
    updateAttributes { $0["http.response.status_code"] = Int(status.code) }
    // A client's error is not an error of the server.
    guard status.isServerError else { return }
    updateAttributes { $0["error.type"] = "\(status.code)" }
    setStatus(SpanStatus(code: .error))
  }

  func fail(_ error: any Error) {
    recordError(error)
    updateAttributes { $0["error.type"] = String(reflecting: type(of: error)) }
    setStatus(SpanStatus(code: .error))
  }
}

extension SocketAddress {
  /// The address without its port.
  fileprivate var host: String {
    switch self {
    case .ipv4(let address, _): "\(address)"
    case .ipv6(let address, _, _): "\(address)"
    default: "\(self)"
    }
  }
}
