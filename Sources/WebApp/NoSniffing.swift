import RuntimeHTTP

/// Has browsers take each response for what its `Content-Type` says, and not for what its content looks like.
struct NoSniffing: ImmediateMiddleware {
  /// Adds the field that says so, unless `response` has it: those that are made once have had it since.
  func after(_ response: inout Response, to request: Request) { Self.mark(&response) }

  /// `response` with the field that says so.
  static func marking(_ response: Response) -> Response {
    var response = response
    mark(&response)
    return response
  }

  private static func mark(_ response: inout Response) {
    guard !response.headers.contains("X-Content-Type-Options") else { return }
    response.headers["X-Content-Type-Options"] = "nosniff"
  }
}

extension MediaType {
  /// Whether a browser may run scripts in such content.
  var mayHoldScripts: Bool {
    ["html", "xhtml+xml", "xml", "x-mixed-replace"].contains(subtype) || subtype.hasSuffix("+xml")
  }
}
